import type { Device } from '@modajs/tensor';
import { benchTarget } from './measure/bench-target-of.ts';
import { BENCH_SCHEMA, type BenchCeilings, type BenchEnvironment, type BenchResult, type BenchRow } from './result.ts';

/** What only the caller knows of the environment. */
export interface EnvironmentFacts {
  /** Dawn's bounds checks; browsers always have them. */
  readonly robustness: 'on' | 'off';
  readonly runtime?: string;
}

/** The environment of a device: adapter, driver, and how it was opened. */
export function benchEnvironment(device: Device, { robustness, runtime }: EnvironmentFacts): BenchEnvironment {
  const { environment } = benchTarget(device);
  return {
    ...environment,
    robustness: environment.device === 'webgpu' ? robustness : null,
    ...(runtime === undefined ? {} : { runtime }),
  };
}

/** A benchmark file of rows. */
export function createBenchResult(
  environment: BenchEnvironment,
  ceilings: BenchCeilings,
  rows: readonly BenchRow[],
  more: Pick<BenchResult, 'commit' | 'note'> = {},
): BenchResult {
  return { schema: BENCH_SCHEMA, date: new Date().toISOString(), ...more, environment, ceilings, rows };
}
