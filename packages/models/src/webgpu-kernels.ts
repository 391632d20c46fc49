/** Kernels of this package, loaded with the first WebGPU device. */
export { DecodeProgram } from './decode/decode-program.ts';
export { MOST_SINKHORN_ROWS, sinkhornInOnePass } from './depth/hyper-connections/sinkhorn-kernels.ts';
export { sourceAttentionKernels } from './depth/mixture/attend-sources-kernels.ts';
export { mixKernels } from './depth/mixture/mix-kernels.ts';
