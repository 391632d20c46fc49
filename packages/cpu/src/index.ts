export {
  attention,
  attentionBackward,
  type CpuAttention,
  type CpuAttentionBackward,
  type CpuDepth,
  type CpuDepthSegment,
} from './ops/attention.ts';
export { type CpuArray, type CpuDType, denseArray } from './ops/cpu-array.ts';
export { binary, copy, fill, ternary, unary } from './ops/elementwise.ts';
export { gather, gatherBackward } from './ops/gather.ts';
export { type CpuMatmulOptions, matmul } from './ops/matmul.ts';
export { type CpuNorm, type CpuNormGradients, norm, normBackward } from './ops/norm.ts';
export type { CpuBinaryOp, CpuReduceOp, CpuTernaryOp, CpuUnaryOp } from './ops/operator-codes.ts';
export { type AdamWStep, adamw, sumSquares } from './ops/optimizer.ts';
export { type CpuQuantized, dequantize, quantizedProduct } from './ops/quantized.ts';
export { dropout, random } from './ops/random.ts';
export { argmax, reduce } from './ops/reduce.ts';
export { type CpuRopeOptions, rope } from './ops/rope.ts';
export {
  type CpuCrossEntropyOptions,
  crossEntropy,
  crossEntropyBackward,
  softmax,
  softmaxBackward,
} from './ops/softmax.ts';
export { argsort } from './ops/sort.ts';
export { CpuMemory } from './runtime/cpu-memory.ts';
export { CpuRuntime, type CpuRuntimeOptions, createCpuRuntime } from './runtime/cpu-runtime.ts';
export { hasRelaxedSimd, type KernelBuild } from './runtime/wasm-module.ts';
