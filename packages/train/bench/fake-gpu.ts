/** Called for each dispatch with its kernel's label. */
export type DispatchListener = (label: string, workgroups: readonly number[]) => void;

const LIMITS = {
  maxComputeWorkgroupStorageSize: 49_152,
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupSizeX: 1024,
  maxComputeWorkgroupSizeY: 1024,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxStorageBuffersPerShaderStage: 16,
  maxStorageBufferBindingSize: 2 ** 31 - 4,
  maxBufferSize: 2 ** 40,
  minStorageBufferOffsetAlignment: 16,
  minUniformBufferOffsetAlignment: 64,
};

const FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];

const INFO = {
  vendor: 'nvidia',
  architecture: 'hopper',
  device: '',
  description: 'invented, like an H100 behind Dawn',
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  isFallbackAdapter: false,
  subgroupMatrixConfigs: [16, 8].map((N) => ({
    componentType: 'f16',
    resultComponentType: 'f32',
    M: 16,
    N,
    K: 16,
  })),
};

/**
 * A WebGPU entry point that computes nothing and reports every dispatch, with the features and limits of an H100: what a model
 * would ask of that device can be listed anywhere. Readbacks are zeros.
 */
export function fakeGpu(onDispatch: DispatchListener): GPU {
  const features = new Set(FEATURES);
  const adapter = { features, limits: LIMITS, info: INFO, requestDevice: async () => deviceOf(onDispatch, features) };
  return { requestAdapter: async () => adapter } as unknown as GPU;
}

function deviceOf(onDispatch: DispatchListener, features: ReadonlySet<string>): unknown {
  const labelled = ({ label }: { label?: string }) => ({ label });
  return {
    features,
    limits: LIMITS,
    lost: new Promise(() => {}),
    addEventListener() {},
    destroy() {},
    queue: { submit() {}, writeBuffer() {}, onSubmittedWorkDone: async () => {} },
    createBuffer: ({ size }: { size: number }) => ({
      size,
      destroy() {},
      unmap() {},
      mapAsync: async () => {},
      getMappedRange: (_offset: number, bytes: number) => new ArrayBuffer(bytes ?? size),
    }),
    createShaderModule: labelled,
    createBindGroupLayout: labelled,
    createPipelineLayout: labelled,
    createComputePipeline: labelled,
    createBindGroup: labelled,
    createComputePipelineAsync: async ({ label }: { label?: string }) => ({ label, getBindGroupLayout() {} }),
    createCommandEncoder: () => ({ beginComputePass: () => passOf(onDispatch), copyBufferToBuffer() {}, finish() {} }),
  };
}

function passOf(onDispatch: DispatchListener): unknown {
  let label = '';
  return {
    setPipeline(pipeline: { label: string }) {
      label = pipeline.label;
    },
    setBindGroup() {},
    dispatchWorkgroups: (...workgroups: number[]) => onDispatch(label, workgroups),
    end() {},
  };
}
