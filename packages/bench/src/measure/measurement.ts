import { KernelError } from '@modajs/kernels';
import type { Timing } from './bench-target.ts';

/** What measuring a job gives: times and errors, before anything is derived from them. */
export interface Measurement {
  readonly implementation: string;
  /** As `Runnable.isTuned`: in either direction. */
  readonly isTuned?: boolean | undefined;
  /** The whole of a product, or the forward part. */
  readonly forward: Timing;
  readonly backward?: Timing;
  readonly errors: Readonly<Record<string, number>>;
  readonly tolerance: number;
}

/** @throws KernelError unless every error is at most `tolerance`; NaN is not */
export function assertAccurate(
  id: string,
  implementation: string,
  errors: Readonly<Record<string, number>>,
  tolerance: number,
): void {
  for (const [name, error] of Object.entries(errors)) {
    if (error <= tolerance) continue;
    throw new KernelError(
      `bench: ${name} of ${id} (${implementation}) must be within ${tolerance} of f64, got ${error}. Do not use this configuration here.`,
      { id, implementation, name, error, tolerance },
    );
  }
}
