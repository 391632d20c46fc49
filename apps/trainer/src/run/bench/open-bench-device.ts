import { type Device, type DeviceName, init } from '@modajs/tensor';
import { create } from 'webgpu';
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

/** As the tensor package opens Dawn, but with bounds checks. */
const CHECKED = [
  'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia',
  'disable-dawn-features=timestamp_quantization',
];

/** Dawn polls its instance after the last promise; one that was collected by then aborts the process. */
const reachable: GPU[] = [];

/** Opens a device. @throws DeviceError when `webgpu` was asked for and there is no adapter */
export async function openBenchDevice({ device, robustness, threads, tuned }: BenchDeviceOptions): Promise<Device> {
  const tuning = tuned ? await loadTuning(device) : {};
  const options = { device, ...tuning, ...(threads === undefined ? {} : { threads }) };
  if (robustness === 'off' || device === 'cpu' || device === 'reference') return init(options);
  const gpu = create(CHECKED);
  reachable.push(gpu);
  return init({ ...options, gpu });
}
