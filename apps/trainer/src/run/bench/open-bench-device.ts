import { type Device, type DeviceName, init } from '@modajs/tensor';
import { openGpu } from '@modajs/tensor/gpu';
import { loadTuning } from '../tuning-file.ts';

/** How a benchmark's device is opened. */
export interface BenchDeviceOptions {
  readonly device: DeviceName;
  /** Dawn's bounds checks: off is what programs in Node get, on is what every browser has. */
  readonly robustness: 'on' | 'off';
  readonly threads?: number;
  /** With what `moda tune` found; without, the defaults. */
  readonly tuned?: boolean;
}

/** Opens a device. @throws DeviceError when `webgpu` was asked for and there is no adapter */
export async function openBenchDevice({ device, robustness, threads, tuned }: BenchDeviceOptions): Promise<Device> {
  const tuning = tuned ? await loadTuning(device) : {};
  const options = { device, ...tuning, ...(threads === undefined ? {} : { threads }) };
  if (robustness === 'off' || device === 'cpu' || device === 'reference') return init(options);
  const entry = await openGpu({ boundsChecks: true });
  return init(entry ? { ...options, gpu: entry.gpu } : options);
}
