/** Kernels of this package, loaded with the first WebGPU device. */
export { normRopeSplitKernels } from './layer/norm-rope-split-kernels.ts';
export { createDepthGather } from './stream/depth-gather-kernels.ts';
