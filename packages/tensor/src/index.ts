export { fromHalf, toHalf } from '@modajs/kernels/formats';
export type { ArrayView, Backend, CapturedCommands, CompleteBackend, MemoryStats } from './backends/backend.ts';
export type { ShaderKernel } from './backends/custom-kernel-call.ts';
export type { DeviceFeatures } from './backends/webgpu/device-features.ts';
export { kernelSpans } from './backends/webgpu/kernel-spans.ts';
export { chromeTrace, type KernelSpan, type KernelTime, kernelTimes } from './backends/webgpu/kernel-times.ts';
export { asParameter, type BackwardOptions, backward, noGrad } from './core/autograd.ts';
export { Device, defaultDevice, setDefaultDevice } from './core/device.ts';
export { type DType, elementBytes, type HostArray } from './core/dtype.ts';
export {
  AutogradError,
  CheckpointError,
  ConfigError,
  DataError,
  DeviceError,
  DTypeError,
  KernelError,
  ModaError,
  OutOfMemoryError,
  type Platform,
  type PlatformFetch,
  ShapeError,
  shown,
  unknownName,
} from './core/errors.ts';
export { editDistance, nearestKey } from './core/nearest-key.ts';
export { packedZeros } from './core/packed.ts';
export { hasDecay, isDecayed, type ParameterRole } from './core/parameter-role.ts';
export { normalAt, philox, uniformAt } from './core/philox.ts';
export { QuantizedMatrix } from './core/quantized-matrix.ts';
export { type Scope, scope, type TensorTree, tidy, withoutScope } from './core/scope.ts';
export type { Shape } from './core/shape.ts';
export { showTensorsInDevtools } from './core/show-tensor.ts';
export { type ArrayOfRank, type NestedArray, Tensor } from './core/tensor.ts';
export { grad, type ValueAndGrad, valueAndGrad } from './core/value-and-grad.ts';
export { type CustomKernelOptions, customKernel } from './custom/custom-kernel.ts';
export { type CustomGradient, type CustomOpOptions, customOp } from './custom/custom-op.ts';
export type { TensorSpec } from './custom/tensor-spec.ts';
export { type DeviceName, type InitOptions, init } from './init.ts';
export {
  decodeSafetensorsBytes,
  type HostTensor,
  readSafetensors,
  type SafetensorsFile,
  type SafetensorsInput,
  writeSafetensors,
} from './io/safetensors.ts';
export {
  parseSafetensorsHeader,
  SAFETENSORS_BYTES,
  type SafetensorsDType,
  type SafetensorsEntry,
  type SafetensorsHeader,
  safetensorsHeaderLength,
} from './io/safetensors-format.ts';
export { assign } from './ops/assign.ts';
export { at } from './ops/at.ts';
export type { AtIndex, SliceText } from './ops/at-index.ts';
export { type AttentionInput, type AttentionOutput, attentionPrimitive, type DepthReading } from './ops/attention.ts';
export { checkpoint } from './ops/checkpoint.ts';
export {
  arange,
  type CreationOptions,
  empty,
  full,
  type NormalOptions,
  ones,
  onesLike,
  type RandomOptions,
  randomNormal,
  randomUniform,
  type TensorOptions,
  tensor,
  type UniformOptions,
  zeros,
  zerosLike,
} from './ops/creation.ts';
export { type CrossEntropyOptions, crossEntropy, type ReducedCrossEntropyOptions } from './ops/cross-entropy.ts';
export { type DropoutSource, dropout } from './ops/dropout.ts';
export { einsum } from './ops/einsum.ts';
export {
  add,
  div,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  maximum,
  minimum,
  mul,
  notEqual,
  type Operand,
  pow,
  sub,
  swiglu,
  where,
} from './ops/elementwise.ts';
export { addLayerNorm, addRmsNorm, type RmsNormRopeOptions, rmsNormRope } from './ops/fused-normalization.ts';
export { embedding, gather } from './ops/indexing.ts';
export type { Indices } from './ops/indices.ts';
export { type LinearCrossEntropyOptions, linearCrossEntropy } from './ops/linear-cross-entropy.ts';
export { maskedFill, type OneHotOptions, oneHot, tril, triu } from './ops/masks.ts';
export { linear, type MatmulOptions, matmul } from './ops/matmul.ts';
export { type MultinomialOptions, multinomial } from './ops/multinomial.ts';
export { layerNorm, rmsNorm } from './ops/normalization.ts';
export { quantizedLinear } from './ops/quantized-linear.ts';
export { flip, roll } from './ops/rearrange.ts';
export { argmax, max, mean, min, type ReduceOptions, sum, variance } from './ops/reductions.ts';
export { type RopeOptions, rope } from './ops/rope.ts';
export { type QueriesAndKeys, type RopePairOptions, ropePair } from './ops/rope-pair.ts';
export { type SlotTensors, slotTensors } from './ops/slot-tensors.ts';
export { logSoftmax, softmax } from './ops/softmax.ts';
export { argsort, type Sorted, type SortOptions, sort, topk } from './ops/sort.ts';
export { logsumexp, norm, std } from './ops/statistics.ts';
export { scatterAdd, take, takeAlong } from './ops/take.ts';
export { cumsum, pad, repeat } from './ops/tiling.ts';
export * from './ops/unary.ts';
export {
  broadcastTo,
  cast,
  concat,
  contiguous,
  reshape,
  slice,
  split,
  squeeze,
  stack,
  transpose,
  unsqueeze,
} from './ops/views.ts';
export { AdamW, type AdamWOptions } from './optim/adamw.ts';
export { type ClippedGradients, clipGradNorm } from './optim/clip-grad-norm.ts';
export type { OptimizerOptions, ParameterGroup, Parameters } from './optim/grouped-optimizer.ts';
export type { NamedTensors, Optimizer, StepOptions } from './optim/optimizer.ts';
export { allocateGradients } from './optim/packed-like.ts';
export { ParameterCopies } from './optim/parameter-copies.ts';
