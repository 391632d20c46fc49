import { type Device, type DeviceName, init } from '@modajs/tensor';
import { loadTuning } from '../tuning-file.ts';

/** How a benchmark's device is opened. */
export interface BenchDeviceOptions {
  readonly device: DeviceName;
  /** Dawn's bounds checks: off is what programs in Node get, on is what every browser has. */
  readonly robustness: 'on' | 'off';
  /** As a browser without flags: no tensor cores, bounds checks on. */
  readonly as?: 'browser' | 'node';
  readonly threads?: number;
  /** With what `moda tune` found; without, the defaults. */
  readonly tuned?: boolean;
}

/** Opens a device. @throws DeviceError when `webgpu` was asked for and there is no adapter */
export async function openBenchDevice(options: BenchDeviceOptions): Promise<Device> {
  const { device, threads, tuned } = options;
  const tuning = tuned ? await loadTuning(device) : {};
  return init({ device, ...tuning, ...deviceAs(options), ...(threads === undefined ? {} : { threads }) });
}

/** A browser computes without tensor cores, which it has behind a flag at best, and always checks bounds. */
export function deviceAs({ as, robustness = 'off' }: Pick<BenchDeviceOptions, 'as'> & { robustness?: 'on' | 'off' }) {
  if (as === 'browser') return { robustness: true, features: { subgroupMatrix: false } };
  return { robustness: robustness === 'on' };
}
