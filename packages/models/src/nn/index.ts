export {
  type AttentionInputs,
  MoDABlock,
  type MoDABlockOptions,
  MultiHeadAttention,
  type MultiHeadAttentionOptions,
} from './attention.ts';
export { type InitializeOptions, type Initializer, type InitializerKind, initialize } from './initializer.ts';
export {
  Dropout,
  Embedding,
  LayerNorm,
  Linear,
  type LinearOptions,
  type NormOptions,
  RMSNorm,
  Sequential,
  type Stage,
} from './layers.ts';
export { Module, type ModuleOptions, manualSeed, parameter } from './module.ts';
export { loadSafetensors, toSafetensors } from './safetensors.ts';
