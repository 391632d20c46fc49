import type { Tensor } from '../core/tensor.ts';

export type NamedTensors = Readonly<Record<string, Tensor>>;

/** Options of `Optimizer.step`. */
export interface StepOptions {
  /** Learning rate of the groups that have none of their own, for this and later steps. */
  readonly lr?: number;
  /** Multiplies the learning rates of all groups in this step: what a schedule gives. 1 by default. */
  readonly lrRatio?: number;
  /** f32 scalar that multiplies all gradients (`clipGradNorm`); when it is NaN or infinite nothing changes but the step count. */
  readonly gradScale?: Tensor | null;
}

/** What every optimiser does: `AdamW`, and `SGD`, `Lion` and `Muon` of `@modajs/train`. */
export interface Optimizer extends Disposable {
  /** All parameters by name. */
  readonly params: NamedTensors;
  /** Updates attempted; a step refused for its gradients counts. */
  readonly stepCount: number;
  /** Updates of the parameters that had a gradient in fewer than `stepCount` of them, for a checkpoint. */
  readonly laggingStepCounts: Readonly<Record<string, number>>;
  /**
   * One update from the parameters' `grad`.
   *
   * @throws ConfigError | DTypeError | ShapeError | DeviceError before anything has changed
   */
  step(options?: StepOptions): void;
  /** Frees all gradients. */
  zeroGrad(): void;
  /** Live tensors to save. With `stepCount` and `laggingStepCounts` training resumes bit for bit. */
  state(): Record<string, Tensor>;
  /**
   * Restores what `state`, `stepCount` and `laggingStepCounts` gave; without the last, every parameter has taken all steps. Nothing
   * changes when it cannot.
   *
   * @throws CheckpointError for missing tensors or other shapes; ConfigError | DTypeError | DeviceError
   */
  loadState(state: NamedTensors, stepCount: number, laggingStepCounts?: Readonly<Record<string, number>>): void;
  /** Frees the state; parameters and their gradients stay. */
  dispose(): void;
}
