import type { KernelTuning } from '../tuning/kernel-tuning.ts';

/** One shape of matrix product that a device's subgroups can do: `[M x K] . [K x N]`. */
export interface SubgroupMatrixConfig {
  readonly componentType: 'f16' | 'f32' | 'u8' | 'i8' | 'u32' | 'i32';
  readonly resultComponentType: 'f16' | 'f32' | 'u32' | 'i32';
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/**
 * Names of the feature that gives shaders subgroup matrices (tensor cores), the standard's first: a device has it when it has
 * either. Shaders are written with Chromium's name; `PipelineCache` enables the standard's on a device that has that.
 */
export const SUBGROUP_MATRIX_FEATURES = ['subgroup-matrix', 'chromium-experimental-subgroup-matrix'] as const;

/** What a plan may rely on. Made from a `GPUAdapter` by the tensor package; plain data, so tests can invent devices. */
export interface DeviceCapabilities {
  /** `shader-f16`. */
  readonly f16: boolean;
  /** Subgroup sizes, or null without the `subgroups` feature. */
  readonly subgroups: { readonly min: number; readonly max: number } | null;
  /** Empty without one of `SUBGROUP_MATRIX_FEATURES`. */
  readonly subgroupMatrix: readonly SubgroupMatrixConfig[];
  readonly timestamps: boolean;
  readonly maxWorkgroupMemoryBytes: number;
  readonly maxInvocations: number;
  readonly maxWorkgroupSize: readonly [number, number, number];
  readonly maxWorkgroupsPerDimension: number;
  readonly maxStorageBuffers: number;
  readonly maxBindingBytes: number;
  readonly maxBufferBytes: number;
  /** Alignment of a storage binding's offset, bytes (256 by default). */
  readonly minStorageAlignment: number;
  /**
   * Workgroups of at most 512 threads and 32 KiB of memory that run at once, where they may wait for each other
   * (`planResidentWorkgroups`); absent or 0 where they may not.
   */
  readonly residentWorkgroups?: number;
  readonly vendor: string;
  readonly architecture: string;
  /** Measured configurations for this device; plans without one use their defaults. */
  readonly tuning?: KernelTuning;
}

/** The matrix products of a device that multiply f16 and add up in f32. */
export function f16Fragments({ subgroupMatrix }: DeviceCapabilities): readonly SubgroupMatrixConfig[] {
  return subgroupMatrix.filter(
    ({ componentType, resultComponentType }) => componentType === 'f16' && resultComponentType === 'f32',
  );
}

/** The smallest device that WebGPU guarantees: no features, default limits. */
export const BASELINE_CAPABILITIES: DeviceCapabilities = {
  f16: false,
  subgroups: null,
  subgroupMatrix: [],
  timestamps: false,
  maxWorkgroupMemoryBytes: 16384,
  maxInvocations: 256,
  maxWorkgroupSize: [256, 256, 64],
  maxWorkgroupsPerDimension: 65535,
  maxStorageBuffers: 8,
  maxBindingBytes: 128 * 2 ** 20,
  maxBufferBytes: 256 * 2 ** 20,
  minStorageAlignment: 256,
  vendor: '',
  architecture: '',
};
