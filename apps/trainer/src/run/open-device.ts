import { availableParallelism, cpus } from 'node:os';
import { type Device, init } from '@modajs/tensor';
import type { Collective, RunConfig } from '@modajs/train';
import { selectGpuOfRank } from '@modajs/train/node';

/**
 * Opens the device of a run. The ranks of one machine get a GPU each, or share its cores.
 *
 * @throws DeviceError when `webgpu` was asked for and there is no adapter
 */
export async function openDevice(
  { device, threads }: Pick<RunConfig, 'device' | 'threads'>,
  collective: Collective | null = null,
): Promise<Device> {
  if (collective === null) return init({ device, ...(threads === null ? {} : { threads }) });
  await selectGpuOfRank(collective);
  return init({ device, threads: threads ?? coresOfRank(collective.localSize) });
}

/** A launcher that binds ranks to cores has divided them already. */
function coresOfRank(localSize: number): number {
  return Math.min(availableParallelism(), Math.max(1, Math.floor(cpus().length / localSize)));
}
