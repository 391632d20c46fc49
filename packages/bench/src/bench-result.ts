import type { Device } from '@modajs/tensor';
import { benchTarget } from './measure/bench-target-of.ts';
import { BENCH_SCHEMA, type BenchCeilings, type BenchEnvironment, type BenchResult, type BenchRow } from './result.ts';

/** What only the caller knows of the environment. */
export interface EnvironmentFacts {
  /** Dawn's bounds checks; browsers always have them. */
  readonly robustness: 'on' | 'off';
  /** `browser`: opened without tensor cores, as browsers without flags are. */
  readonly as?: 'browser' | 'node';
  readonly runtime?: string;
}

/** The environment of a device: adapter, driver, and how it was opened. */
export function benchEnvironment(device: Device, { robustness, as, runtime }: EnvironmentFacts): BenchEnvironment {
  const { environment } = benchTarget(device);
  return {
    ...environment,
    robustness: environment.device === 'webgpu' ? robustness : null,
    ...(environment.device === 'webgpu' && as === 'browser' ? { as } : {}),
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
