import type { Platform } from '@modajs/errors';
import type { TuningTables } from '@modajs/kernels';
import type { Backend } from './backends/backend.ts';
import type { DeviceFeatures } from './backends/webgpu/device-features.ts';
import { Device, setDefaultDevice } from './core/device.ts';
import { DeviceError } from './core/errors.ts';
import { checkedLater, checkOptions, flag, type OptionChecks, oneOf, optionsThat, whole } from './core/value-checks.ts';

export type DeviceName = 'auto' | 'webgpu' | 'cpu' | 'reference';

export interface InitOptions {
  /**
   * `auto` (default): a hardware WebGPU adapter when there is one, else `cpu`. `webgpu`: any adapter, software included.
   * `cpu`: WebAssembly. `reference`: plain f64 loops, slow, the truth that tests compare with.
   */
  readonly device?: DeviceName;
  /** Threads of the `cpu` device; all cores by default. Results do not depend on it. */
  readonly threads?: number;
  /** WebGPU entry point; `navigator.gpu` in browsers and the npm package `webgpu` in Node by default. */
  readonly gpu?: Platform<'GPU'>;
  /** Record a time for each kernel (WebGPU with timestamps). */
  readonly profile?: boolean;
  /**
   * Workgroups that run at once and may wait for each other (WebGPU): with them one kernel decodes a token. Counted on NVIDIA
   * GPUs; 0, which turns such kernels off, elsewhere.
   */
  readonly residentWorkgroups?: number;
  /**
   * Features of the adapter to leave off (WebGPU): `{ subgroupMatrix: false }` computes without tensor cores, as every browser
   * without flags does. What the adapter lacks stays off whatever is said.
   */
  readonly features?: DeviceFeatures;
  /** Bounds checks in kernels (WebGPU in Node); browsers always have them, Node by default does not. */
  readonly robustness?: boolean;
  /** Measured kernel configurations, of any devices: `@modajs/bench` makes them. Those of another adapter or driver are not used. */
  readonly tuning?: TuningTables;
}

const NAMES: readonly DeviceName[] = ['auto', 'webgpu', 'cpu', 'reference'];

/** `gpu` and `tuning` are what a browser and `@modajs/bench` make; who uses them checks them. */
const INIT_OPTIONS: OptionChecks<InitOptions> = {
  device: oneOf(...NAMES),
  threads: whole(1, 64),
  gpu: checkedLater,
  profile: flag,
  residentWorkgroups: whole(),
  features: optionsThat<DeviceFeatures>({ f16: flag, subgroups: flag, subgroupMatrix: flag }),
  robustness: flag,
  tuning: checkedLater,
};

/**
 * Opens a device and makes it the default for new tensors.
 *
 * @throws DeviceError when `webgpu` was named and there is no adapter; ConfigError for an unknown name
 * @example
 * const device = await init({ device: 'auto' });
 * console.log(`${device}`);
 */
export async function init(options: InitOptions = {}): Promise<Device> {
  checkOptions('init', options, INIT_OPTIONS);
  const name = options.device ?? 'auto';
  const device = new Device(await open(name, options));
  setDefaultDevice(device);
  return device;
}

async function open(name: DeviceName, options: InitOptions): Promise<Backend> {
  if (name === 'reference') return (await import('./backends/reference/reference-backend.ts')).createReferenceBackend();
  if (name === 'cpu') return openCpu(options);
  const { createWebGpuBackend } = await import('./backends/webgpu/create-webgpu-backend.ts');
  if (name === 'webgpu') return createWebGpuBackend({ ...options, allowSoftware: true });
  try {
    return await createWebGpuBackend({ ...options, allowSoftware: false });
  } catch (error) {
    if (error instanceof DeviceError) return openCpu(options);
    throw error;
  }
}

async function openCpu({ threads }: InitOptions): Promise<Backend> {
  const { createCpuBackend } = await import('./backends/cpu/create-cpu-backend.ts');
  return createCpuBackend({ threads });
}
