import { type DeviceCapabilities, SUBGROUP_MATRIX_FEATURES, type SubgroupMatrixConfig } from '@modajs/kernels';

/** What adapters report beyond the typed standard. */
interface ExtendedInfo extends GPUAdapterInfo {
  readonly subgroupMatrixConfigs?: readonly SubgroupMatrixConfig[];
}

function has(device: GPUDevice, feature: string): boolean {
  return device.features.has(feature as GPUFeatureName);
}

/** What kernels may rely on: the features and limits that the device was opened with. */
export function capabilitiesOf(device: GPUDevice, info: GPUAdapterInfo): DeviceCapabilities {
  const { limits } = device;
  const { subgroupMinSize = 4, subgroupMaxSize = 128, subgroupMatrixConfigs = [] } = info as ExtendedInfo;
  const matrices = SUBGROUP_MATRIX_FEATURES.some((name) => has(device, name)) ? subgroupMatrixConfigs : [];
  return {
    f16: has(device, 'shader-f16'),
    subgroups: has(device, 'subgroups') ? { min: subgroupMinSize, max: subgroupMaxSize } : null,
    subgroupMatrix: matrices.map(({ componentType, resultComponentType, M, N, K }) => ({
      componentType,
      resultComponentType,
      M,
      N,
      K,
    })),
    timestamps: has(device, 'timestamp-query'),
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
