import type { Tensor } from '@modajs/tensor';

/** Options of one loss computation. */
export interface LossOptions {
  /** i32 `[B, T, 2]`: key range of each position's document, or null. */
  readonly docRange?: Tensor | null;
  /** Weight of the squared log-sum-exp. */
  readonly zLoss?: number;
  /** f32 `[2]`: receives the mean cross-entropy and the mean z-loss, when the model `tellsLossParts`. */
  readonly parts?: Tensor;
  /** Recompute activations in the backward pass. */
  readonly checkpoint?: boolean;
  /** Targets of this value are left out. */
  readonly ignoreIndex?: number;
}

/** What a run asks of a model; `Decoder` of `@modajs/models` is one. */
export interface TrainableModel {
  /** Leaves that require gradients, by their names in a checkpoint. */
  parameters(): Readonly<Record<string, Tensor>>;
  /**
   * True when steps of one shape run the same operators with the same constants: no dropout, no branch on the step. Such steps
   * may be recorded once and replayed.
   */
  readonly hasStaticSteps?: boolean;
  /** True when `loss` fills `parts`. Of any other model a run with a z-loss computes the cross-entropy a second time to report it. */
  readonly tellsLossParts?: boolean;
  /** Mean cross-entropy, plus z-loss, in nats of targets `[B, T]` after ids `[B, T]` (both i32), a differentiable scalar. */
  loss(ids: Tensor, targets: Tensor, options?: LossOptions): Tensor;
}
