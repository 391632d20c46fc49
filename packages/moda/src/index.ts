export { attention } from './attention.ts';
export type { AttentionResult, DepthOptions, SequenceOptions } from './attention-options.ts';
export { depthAttention } from './depth-attention.ts';
export { documentRanges } from './document-ranges.ts';
export { applyLinear } from './layer/apply-linear.ts';
export { type AttentionLayerContext, attentionLayer } from './layer/attention-layer.ts';
export { depthKey, projectDepth, writeProjected } from './layer/depth-keys.ts';
export type {
  AttentionLayerConfig,
  AttentionLayerWeights,
  LinearWeights,
  LowRankWeights,
  RotaryConfig,
} from './layer/layer-config.ts';
export { rotate } from './layer/qk-norm.ts';
export { SequenceCache, type SequenceCacheOptions } from './layer/sequence-cache.ts';
export { mergeAttention } from './merge.ts';
export { moda } from './moda.ts';
export { type ChunkVisibleOptions, modaChunkVisible } from './moda-chunk-visible.ts';
export { type AttentionMap, attentionMap } from './statistics/attention-map.ts';
export type { AttentionProbe } from './statistics/attention-probe.ts';
export {
  type AttentionStatistics,
  type AttentionSummary,
  attentionStatistics,
  summarizeAttention,
} from './statistics/attention-statistics.ts';
export { DepthStream, type ReadOptions } from './stream/depth-stream.ts';
export { ScoredStream, type ScoredStreamOptions } from './stream/scored-stream.ts';
export type { SlotStream } from './stream/slot-stream.ts';
