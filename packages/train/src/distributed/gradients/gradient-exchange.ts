import type { SafetensorsInput } from '@modajs/tensor';

/** How the gradients of one bucket become their sums over all ranks. */
export interface GradientExchange {
  /** Of this rank's gradients on their way: each goes round the ring of ranks. */
  readonly bytes: number;
  /**
   * Takes the gradients from the device: at once where it computes in the host's memory (then the result is null), else when the
   * promise resolves.
   */
  read(): Promise<void> | null;
  /** What ranks do together, in this order; one that has started needs no later one to end. */
  readonly phases: readonly (() => Promise<void>)[];
  /** Gives the sums to the device. */
  write(): void;
  /** What coding has left out so far counts so many times: the loss scale has changed. */
  scaleResiduals(factor: number): void;
  /** Forgets what coding has left out, and sums that are not finite: the step was refused. */
  forget(): void;
  /** What coding has left out so far, by name; nothing without error feedback. */
  residuals(): Promise<Readonly<Record<string, HostTensor>>>;
  /** @param saved by name, as `residuals` gave it; what is missing, or of another length, is forgotten */
  restoreResiduals(saved: ReadonlyMap<string, { readonly data: ArrayLike<number> }>): void;
  dispose(): void;
}

/** Numbers on the host as a checkpoint takes them. */
export type HostTensor = Exclude<SafetensorsInput, { readonly isTensor: unknown }> & { readonly data: Float32Array };
