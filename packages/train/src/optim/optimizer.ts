import type { Tensor } from '@modajs/tensor';

/** What the training step asks of an optimiser. */
export interface Optimizer {
  /** Updates attempted; a step refused for its gradients counts. */
  readonly stepCount: number;
  /**
   * One update from the parameters' `grad`.
   *
   * @param lrRatio learning rate over its peak, from the schedule
   * @param gradScale f32 scalar that multiplies all gradients; NaN leaves everything unchanged
   */
  step(lrRatio: number, gradScale: Tensor): void;
  /** Updates of the parameters that had a gradient in fewer than `stepCount` of them. */
  readonly laggingStepCounts: Readonly<Record<string, number>>;
  /** Tensors to save. */
  state(): Record<string, Tensor>;
  /** @throws CheckpointError for missing tensors or other shapes */
  loadState(
    state: Readonly<Record<string, Tensor>>,
    stepCount: number,
    laggingStepCounts?: Readonly<Record<string, number>>,
  ): void;
  dispose(): void;
}
