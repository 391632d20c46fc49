import { SUBGROUP_MATRIX_FEATURES } from '@modajs/kernels';
import { openGpu } from '#gpu';
import { DeviceError } from '../../core/errors.ts';
import type { DeviceFeatures } from './device-features.ts';
import type { GpuEntry } from './gpu-entry.ts';

/**
 * Features that kernels or profiles use when the adapter has them, by the option that leaves one off: of several names of one
 * feature, the first that the adapter has.
 */
const WANTED: Readonly<Record<string, readonly string[]>> = {
  f16: ['shader-f16'],
  subgroups: ['subgroups'],
  subgroupMatrix: SUBGROUP_MATRIX_FEATURES,
  timestamps: ['timestamp-query'],
};

/** A WebGPU device with every limit its adapter has. */
export interface OpenDevice {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly entry: GpuEntry;
  /** One line for people. */
  readonly description: string;
}

export interface DeviceRequest {
  /** Instead of `navigator.gpu` or npm `webgpu`. */
  readonly gpu?: GPU;
  /** Take an adapter that runs on the processor (lavapipe, SwiftShader) when there is no other. */
  readonly allowSoftware: boolean;
  /** Of these, what is false is not asked for. */
  readonly features?: DeviceFeatures;
  /** Bounds checks in kernels, which browsers always have; off in Node by default. */
  readonly robustness?: boolean;
}

function describe(info: GPUAdapterInfo): string {
  return (
    info.description || [info.vendor, info.architecture, info.device].filter(Boolean).join(' ') || 'unnamed adapter'
  );
}

/** True for adapters that run on the processor. */
export function isSoftwareAdapter(info: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter === true || /llvmpipe|lavapipe|swiftshader/i.test(`${info.description} ${info.device}`);
}

function limitsOf(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const value = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof value === 'number') limits[name] = value;
  }
  return limits;
}

async function requestAdapter(gpu: GPU, allowSoftware: boolean): Promise<GPUAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new DeviceError(
      "webgpu: the machine must have a WebGPU adapter, got none. Install a Vulkan driver, or use init({ device: 'cpu' }).",
    );
  }
  if (!allowSoftware && isSoftwareAdapter(adapter.info)) {
    const description = describe(adapter.info);
    throw new DeviceError(
      `webgpu: the adapter must be hardware, got ${description}. Name it with init({ device: 'webgpu' }) if you want it nevertheless.`,
      { description },
    );
  }
  return adapter;
}

function deviceOf(adapter: GPUAdapter, features: DeviceFeatures): Promise<GPUDevice> {
  const wanted = Object.entries(WANTED).filter(([option]) => features[option as keyof DeviceFeatures] !== false);
  const requiredFeatures = wanted.flatMap(
    ([, names]) => (names as GPUFeatureName[]).find((name) => adapter.features.has(name)) ?? [],
  );
  return adapter.requestDevice({ requiredFeatures, requiredLimits: limitsOf(adapter) });
}

/**
 * A browser's GPU process may end between the two requests (Chromium: "A valid external Instance reference no longer exists");
 * the adapter that is asked for next lives in a new one.
 */
async function open(entry: GpuEntry, allowSoftware: boolean, features: DeviceFeatures): Promise<OpenDevice> {
  let adapter = await requestAdapter(entry.gpu, allowSoftware);
  let device = await deviceOf(adapter, features).catch(() => null);
  if (device === null) {
    adapter = await requestAdapter(entry.gpu, allowSoftware);
    device = await deviceOf(adapter, features).catch((cause: unknown) => {
      const description = describe(adapter.info);
      throw new DeviceError(
        `webgpu: ${description} must open a device, got twice: ${cause instanceof Error ? cause.message : cause} Restart the browser or update the driver, or use init({ device: 'cpu' }).`,
        { description },
        { cause },
      );
    });
  }
  const { info } = adapter;
  return { device, info, entry, description: describe(info) };
}

/**
 * Opens the best adapter with all the features and limits it has.
 *
 * @throws DeviceError when there is no WebGPU, no adapter, only a software one that was not asked for,
 *   or an adapter that opens no device
 */
export async function requestDevice(request: DeviceRequest): Promise<OpenDevice> {
  const { gpu, allowSoftware, features = {}, robustness: boundsChecks = false } = request;
  const entry = gpu ? { gpu, release: () => {} } : await openGpu({ boundsChecks });
  if (!entry) {
    throw new DeviceError(
      'webgpu: there must be a WebGPU implementation, got none. In Node, install the npm package "webgpu"; in a browser, use one that has navigator.gpu.',
    );
  }
  try {
    return await open(entry, allowSoftware, features);
  } catch (error) {
    entry.release();
    throw error;
  }
}
