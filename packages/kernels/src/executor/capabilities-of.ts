import { type DeviceCapabilities, SUBGROUP_MATRIX_FEATURES, type SubgroupMatrixConfig } from '../plan/capabilities.ts';

/** What adapters report beyond the typed standard. */
interface ExtendedInfo extends GPUAdapterInfo {
  readonly subgroupMatrixConfigs?: readonly SubgroupMatrixConfig[];
}

/** What kernels may rely on: the features and limits of a device, or of an adapter whose devices are opened with all it has. */
export function capabilitiesOf(
  { features, limits }: Pick<GPUDevice, 'features' | 'limits'>,
  info: GPUAdapterInfo,
): DeviceCapabilities {
  const has = (feature: string) => features.has(feature as GPUFeatureName);
  const { subgroupMinSize = 4, subgroupMaxSize = 128, subgroupMatrixConfigs = [] } = info as ExtendedInfo;
  const matrices = SUBGROUP_MATRIX_FEATURES.some((name) => has(name)) ? subgroupMatrixConfigs : [];
  return {
    f16: has('shader-f16'),
    subgroups: has('subgroups') ? { min: subgroupMinSize, max: subgroupMaxSize } : null,
    subgroupMatrix: matrices.map(({ componentType, resultComponentType, M, N, K }) => ({
      componentType,
      resultComponentType,
      M,
      N,
      K,
    })),
    timestamps: has('timestamp-query'),
    maxWorkgroupMemoryBytes: limits.maxComputeWorkgroupStorageSize,
    maxInvocations: limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupSize: [
      limits.maxComputeWorkgroupSizeX,
      limits.maxComputeWorkgroupSizeY,
      limits.maxComputeWorkgroupSizeZ,
    ],
    maxWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxStorageBuffers: limits.maxStorageBuffersPerShaderStage,
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    maxBufferBytes: limits.maxBufferSize,
    minStorageAlignment: limits.minStorageBufferOffsetAlignment,
    vendor: info.vendor,
    architecture: info.architecture,
  };
}
