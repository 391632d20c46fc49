import { partNotRun } from '@modajs/vitest/part-not-run';
import { create, globals } from 'webgpu';
import { capabilitiesOf } from '../src/executor/index.ts';
import type { KernelDevice } from '../src/testing/kernel-device.ts';

Object.assign(globalThis, globals);

/** A device for tests and benchmarks, with what it can do. */
export interface TestDevice extends KernelDevice {
  /** Names for results: vendor, architecture, device and description (with the driver). */
  readonly adapter: Readonly<Record<string, string>>;
  close(): void;
}

const FEATURES = ['shader-f16', 'subgroups', 'timestamp-query', 'chromium-experimental-subgroup-matrix'] as const;

/** Dawn's switches: `create()` flags as in `enable-dawn-features=...`. */
export interface TestDeviceOptions {
  readonly enable?: readonly string[];
  readonly disable?: readonly string[];
  readonly backend?: 'vulkan' | 'null';
}

/** Dawn polls its instance after the last promise; one that was collected by then aborts the process with a futex error. */
const reachable: GPU[] = [];

/**
 * Opens npm `webgpu`'s adapter with every limit and feature it has.
 * `backend: 'null'` compiles and runs nothing, and accepts f16 and subgroup matrices.
 *
 * @throws Error when there is no adapter: a missing adapter fails a test, never skips it
 */
export async function openTestDevice(options: TestDeviceOptions = {}): Promise<TestDevice> {
  const flags = [
    `backend=${options.backend ?? 'vulkan'}`,
    `enable-dawn-features=${['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia', ...(options.enable ?? [])].join(',')}`,
    `disable-dawn-features=${['timestamp_quantization', ...(options.disable ?? [])].join(',')}`,
  ];
  const gpu = create(flags);
  reachable.push(gpu);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('openTestDevice: no WebGPU adapter. Set VK_DRIVER_FILES to a Vulkan driver (README).');
  const requiredLimits: Record<string, number> = {};
  for (const key in adapter.limits) {
    const value = adapter.limits[key as keyof GPUSupportedLimits];
    if (typeof value === 'number') requiredLimits[key] = value;
  }
  const requiredFeatures = FEATURES.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[];
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  let failure: string | null = null;
  device.addEventListener('uncapturederror', (event) => {
    failure ??= (event as GPUUncapturedErrorEvent).error.message;
  });
  void device.lost.then((info) => {
    if (info.reason !== 'destroyed') failure ??= `device lost: ${info.message}`;
  });
  return {
    device,
    capabilities: capabilitiesOf(adapter, adapter.info),
    adapter: {
      vendor: adapter.info.vendor,
      architecture: adapter.info.architecture,
      device: adapter.info.device,
      description: adapter.info.description,
    },
    async check() {
      await device.queue.onSubmittedWorkDone();
      const message = failure;
      failure = null;
      if (message) throw new Error(message);
    },
    close() {
      device.destroy();
    },
  };
}

/** The dtypes that a test goes through; where the device has no f16 the summary of `npm test` says so. */
export function dtypesOf({ capabilities }: TestDevice): readonly ('f32' | 'f16')[] {
  if (capabilities.f16) return ['f32', 'f16'];
  partNotRun('f16');
  return ['f32'];
}
