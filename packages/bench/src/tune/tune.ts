import { tuningKey } from '@modajs/kernels';
import { ConfigError, type Device } from '@modajs/tensor';
import type { BenchJob } from '../job.ts';
import { deviceTraits } from '../measure/device-traits.ts';
import type { BenchScale } from '../presets/scale.ts';
import { type RunBenchOptions, runBench } from '../run-bench.ts';
import { webGpuBackend } from '../webgpu/webgpu-backend.ts';
import { chooseTuning, type TuneOutcome } from './choose-tuning.ts';
import { jobTuneGroups } from './job-tune-groups.ts';
import type { TuneGroup } from './tune-group.ts';
import { tuneGroups } from './tune-jobs.ts';

/** The classes that a WebGPU device's tuning covers. @throws ConfigError on another device */
export function deviceTuneGroups(device: Device, scale: BenchScale): TuneGroup[] {
  return tuneGroups(requireWebGpu(device).capabilities, deviceTraits(device), scale);
}

/** The classes of these jobs alone, each with at most `most` candidates: see `jobTuneGroups`. @throws ConfigError on another device */
export function deviceJobTuneGroups(device: Device, jobs: readonly BenchJob[], most?: number): TuneGroup[] {
  return jobTuneGroups(jobs, requireWebGpu(device).capabilities, most);
}

/** Key of a device's tuning: adapter and driver. @throws ConfigError on a device that is not WebGPU */
export function deviceTuningKey(device: Device): string {
  const { adapterInfo } = requireWebGpu(device).device;
  return tuningKey(adapterInfo);
}

function requireWebGpu(device: Device) {
  const backend = webGpuBackend(device);
  if (backend) return backend;
  throw new ConfigError(`tune: kernels are tuned on WebGPU, got ${device.kind}. Open a webgpu device.`, {
    kind: device.kind,
  });
}

/**
 * Times the candidates of each group on this device, each checked against f64 first, and yields a class at a time.
 * `tuningOf` makes a table of the outcomes for `init({ tuning: { [deviceTuningKey(device)]: table } })`.
 */
export async function* tune(
  groups: readonly TuneGroup[],
  device: Device,
  options: Omit<RunBenchOptions, 'ceilings'> = {},
): AsyncGenerator<TuneOutcome, void, undefined> {
  const ceilings = { copyBytesPerSecond: null, flopsPerSecond: {} };
  for (const group of groups) {
    const rows = [];
    for await (const row of runBench(group.jobs, device, { ...options, ceilings })) rows.push(row);
    if (options.signal?.aborted) return;
    yield chooseTuning(group, rows);
  }
}
