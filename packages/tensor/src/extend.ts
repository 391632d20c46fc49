/**
 * What a package builds operators of its own from, beyond `customOp` and `customKernel`: nodes of the graph, memory that several nodes own,
 * results in memory that the caller gives, kernels of its own on WebGPU, and optimisers. `@modajs/moda` makes its depth stream of these.
 */

export type { DepthSegment } from './backends/attention-arguments.ts';
export type { ArrayView } from './backends/backend.ts';
export { attentionKernels, type KernelFamily } from './backends/families.ts';
export { floatDType } from './backends/webgpu/operations/float-dtype.ts';
export {
  type Operands,
  type PreparedCall,
  type PreparedSequence,
  type WebGpuKernels,
  webGpuKernels,
} from './backends/webgpu/webgpu-kernels.ts';
export { withWebGpu } from './backends/webgpu/with-webgpu.ts';
export { type DestinationOf, type GradNode, isRecording, makeNode, record } from './core/autograd.ts';
export type { Destination } from './core/destination.ts';
export { mergeRuns } from './core/packed.ts';
export { roleTraits } from './core/parameter-role.ts';
export { contiguousStrides, formatShape, sizeOf } from './core/shape.ts';
export { type Hold, Shared } from './core/shared.ts';
export { allocateTensor } from './core/tensor.ts';
export type { DepthGradients, DepthReservation } from './ops/attention.ts';
export { type CheckpointFrame, currentCheckpoint } from './ops/checkpoint.ts';
export { checkResultMemory, resultMemory } from './ops/result-memory.ts';
export { ownFrequencies } from './ops/rope.ts';
export { type CompleteGroup, decayOf, GroupedOptimizer, type OptimizerDefinition } from './optim/grouped-optimizer.ts';
export { betas } from './optim/optimizer-checks.ts';
export { packedLike } from './optim/packed-like.ts';
