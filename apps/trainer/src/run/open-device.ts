import { type Device, init } from '@modajs/tensor';
import type { RunConfig } from '@modajs/train';
import { loadTuning } from './tuning-file.ts';

/** Opens the device of a run, with what `moda tune` found for it. @throws DeviceError when `webgpu` was asked for and there is no adapter */
export async function openDevice({ device, threads }: Pick<RunConfig, 'device' | 'threads'>): Promise<Device> {
  return init({ device, ...(await loadTuning(device)), ...(threads === null ? {} : { threads }) });
}
