export { planAttentionBackward } from './attention/attention-backward.ts';
export { attentionCandidates } from './attention/attention-candidates.ts';
export type { AttentionConfig, MatrixTile } from './attention/attention-config.ts';
export { planAttentionForward } from './attention/attention-forward.ts';
export type { AttentionProblem, DepthProblem } from './attention/attention-problem.ts';
export {
  type DepthGatherProblem,
  type DepthReader,
  MAX_READERS,
  MAX_SLOTS,
  planDepthGather,
} from './attention/gather/depth-gather.ts';
export { prefersDeferredDepth } from './attention/kernel-variant.ts';
export { type CopyProblem, type FillProblem, planCopy, planFill } from './copy/copy.ts';
export { type DecodeArgmaxProblem, planDecodeArgmax } from './decode/decode-argmax.ts';
export {
  DECODE_ATTENTION_BUFFERS,
  type DecodeAttentionProblem,
  type DecodeDepth,
  type DecodeRotary,
  fitsDecodeAttention,
  planDecodeAttention,
} from './decode/decode-attention.ts';
export { decodeBlocksExchange, planDecodeBlocks } from './decode/decode-blocks.ts';
export type { BlockMatrix, DecodeBlock, DecodeBlocksProblem } from './decode/decode-blocks-problem.ts';
export type { DecodeBlocksConfig } from './decode/decode-blocks-tiling.ts';
export { type DecodeEmbedProblem, planDecodeEmbed } from './decode/decode-embed.ts';
export {
  type DecodeInput,
  type DecodeProductConfig,
  type DecodeProductProblem,
  type DecodeWeight,
  planDecodeProduct,
} from './decode/decode-product.ts';
export { planResidentWorkgroups } from './decode/resident-workgroups.ts';
export { type ElementwiseProblem, planElementwise } from './elementwise/elementwise.ts';
export { elementwiseOperators } from './elementwise/operators.ts';
export { planSwigluBackward, type SwigluBackwardProblem } from './elementwise/swiglu-backward.ts';
export { type GatherProblem, planGather } from './gather/gather.ts';
export { type GatherBackwardProblem, planGatherBackward } from './gather/gather-backward.ts';
export {
  type CrossEntropyBackwardProblem,
  type CrossEntropyProblem,
  planCrossEntropy,
  planCrossEntropyBackward,
} from './loss/cross-entropy.ts';
export { type MatmulPlanner, type MatrixPlanner, matmulPlanner } from './matmul/matmul.ts';
export { chooseMatmulConfig, matmulCandidates } from './matmul/matmul-choice.ts';
export { describeMatmulConfig, type MatmulConfig } from './matmul/matmul-config.ts';
export type { MatmulActivation, MatmulLayout, MatmulOperand, MatmulProblem } from './matmul/matmul-problem.ts';
export { planMatmul } from './matmul/plan-matmul.ts';
export { type MixedOut, type MixProblem, planMix } from './mixture/mix.ts';
export { type MixWeightsProblem, planMixWeights } from './mixture/mix-weights.ts';
export type { MixedRows, MixWeights } from './mixture/mixed-rows.ts';
export { MOST_SINKHORN_ROWS, planSinkhorn, type SinkhornProblem } from './mixture/sinkhorn.ts';
export {
  planSourceAttention,
  planSourceAttentionBackward,
  type SourceAttentionBackwardProblem,
  type SourceAttentionProblem,
} from './mixture/source-attention.ts';
export { type NormProblem, planNorm } from './norm/norm.ts';
export { type NormBackwardProblem, planNormBackward } from './norm/norm-backward.ts';
export { type NormRopeProblem, planNormRope } from './norm/norm-rope.ts';
export { type NormRopeBackwardProblem, planNormRopeBackward } from './norm/norm-rope-backward.ts';
export { type AdamWProblem, planAdamW } from './optimizer/adamw.ts';
export { planSumSquares, type SumSquaresProblem } from './optimizer/sum-squares.ts';
export {
  BASELINE_CAPABILITIES,
  type DeviceCapabilities,
  f16Fragments,
  SUBGROUP_MATRIX_FEATURES,
  type SubgroupMatrixConfig,
} from './plan/capabilities.ts';
export { enableDTypes, requireDTypes, supportsDType } from './plan/dtype-support.ts';
export { DTYPES, dtypeEntry, elementBytes, elementsPerVector } from './plan/dtype-table.ts';
export { foldWorkgroups } from './plan/fold-workgroups.ts';
export { fromBfloat16, fromHalf, toBfloat16, toHalf } from './plan/half.ts';
export { KernelError } from './plan/kernel-error.ts';
export type { FloatDType, KernelDType, KernelPass, KernelPlan, PassBinding } from './plan/plan.ts';
export { SMALLER_OPERAND } from './plan/smaller-operand.ts';
export { specialize } from './plan/specialize.ts';
export { collapseLayout, type StridedLayout, type StridedOperand } from './plan/strided-layout.ts';
export { type UniformWord, uniformBlock } from './plan/uniform-block.ts';
export { unroll } from './plan/unroll.ts';
export {
  BLOCK_NUMBERS,
  type BlockFormat,
  blockFormats,
  blockWords,
  QUANTIZED_ROWS,
  quantizedBytes,
} from './quantized/block-format.ts';
export { type DequantizeProblem, planDequantize } from './quantized/dequantize.ts';
export { planQuantizedProduct, type QuantizedProductProblem } from './quantized/quantized-product.ts';
export { planRandom, type RandomProblem } from './random/random.ts';
export { type ArgmaxProblem, planArgmax } from './reduce/argmax.ts';
export { planReduce, type ReduceProblem } from './reduce/reduce.ts';
export type { Reduction } from './reduce/reduce-pass.ts';
export { planRope, type RopeProblem } from './rope/rope.ts';
export {
  planSoftmax,
  planSoftmaxBackward,
  type SoftmaxBackwardProblem,
  type SoftmaxProblem,
} from './softmax/softmax.ts';
export { type ArgsortProblem, planArgsort } from './sort/argsort.ts';
export { type KernelTuning, type TuningTables, tuningKey } from './tuning/kernel-tuning.ts';
export { depthClass, matmulClass, sequenceClass } from './tuning/shape-class.ts';
export { tunedAttentionConfig, tunedMatmulConfig } from './tuning/tuned-plan.ts';
