import { availableParallelism, cpus } from 'node:os';
import { type Device, type InitOptions, init } from '@modajs/tensor';
import type { Collective, RunConfig } from '@modajs/train';
import { selectGpuOfRank } from '@modajs/train/node';
import { loadTuning } from './tuning-file.ts';

/**
 * Opens the device of a run, with what `moda tune` found for it. The ranks of one machine get a GPU each, or share its cores.
 *
 * @throws DeviceError when `webgpu` was asked for and there is no adapter
 */
export async function openDevice(
  { device, threads }: Pick<RunConfig, 'device' | 'threads'>,
  collective: Collective | null = null,
  more: Pick<InitOptions, 'features' | 'robustness'> = {},
): Promise<Device> {
  if (collective !== null) await selectGpuOfRank(collective);
  const tuning = await loadTuning(device);
  const cores = threads ?? (collective === null ? null : coresOfRank(collective.localSize));
  return init({ device, ...more, ...tuning, ...(cores === null ? {} : { threads: cores }) });
}

/** What the cpu device takes. */
const MAX_THREADS = 64;

/** A launcher that binds ranks to cores has divided them already. */
function coresOfRank(localSize: number): number {
  return Math.min(MAX_THREADS, availableParallelism(), Math.max(1, Math.floor(cpus().length / localSize)));
}
