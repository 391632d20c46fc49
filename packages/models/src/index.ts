export { nearestKey } from '@modajs/tensor';
export { AdaptedModel, trainedModel } from './adapter/adapted-model.ts';
export { LoraAdapter, type LoraAdapterOptions } from './adapter/lora-adapter.ts';
export { adaptableMaps, type LoraConfig, loraScale, loraSpecs } from './adapter/lora-config.ts';
export { type AdapterValues, mergeAdapters } from './adapter/merge-adapter.ts';
export { type PeftAdapter, type PeftOptions, readPeft, writePeft } from './adapter/peft.ts';
export * from './config/block-config.ts';
export type { DecoderConfig, DecoderConfigInput } from './config/decoder-config.ts';
export { defineDecoderConfig } from './config/define-decoder-config.ts';
export { type EarlierDepthFields, isEarlierDepth, isEarlierField, nestDepth } from './config/earlier-depth-fields.ts';
export { hasAttentionMaps } from './config/has-attention-maps.ts';
export type { RopeScaling } from './config/rope-scaling.ts';
export {
  type ChosenToken,
  openTokenDecoder,
  type TokenDecoder,
  type TokenDecoderOptions,
} from './decode/token-decoder.ts';
export type { BlockCall, CustomBlock, CustomDepth, CustomParts } from './decoder/custom-parts.ts';
export { createDecoder, Decoder, type DecoderOptions } from './decoder/decoder.ts';
export { DecoderCache, type DecoderCacheOptions } from './decoder/decoder-cache.ts';
export type { ForwardOptions, LossOptions } from './decoder/forward-options.ts';
export type { HostParameter, ParameterSource, StoredBlocks, StoredParameter } from './decoder/load-parameters.ts';
export { readsSlots, visibleChunk, writtenSlots } from './depth/decoder-depth.ts';
export type { DepthPass } from './depth/depth-mechanism.ts';
export type { DepthPath, KeyValueInputs, NormOfSum, ParameterLookup, SubLayer } from './depth/depth-path.ts';
export { type DepthConfig, type DepthInput, type DepthKind, depthMechanisms } from './depth/mechanisms.ts';
export { type ResidualAdd, ResidualPath } from './depth/residual/residual-path.ts';
export { type SlotOrigin, slotOrigins } from './depth/slot-origins.ts';
export { type GeneratedToken, type GenerateOptions, generate } from './generate/generate.ts';
export { type GenerateTextOptions, generateText, type TextCodec } from './generate/generate-text.ts';
export { type SampledToken, sampleToken } from './generate/sample-token.ts';
export { completeSampling, type SamplingOptions } from './generate/sampling-options.ts';
export { authorsFields, fromAuthorsNames, toAuthorsNames } from './io/authors-names.ts';
export {
  type ByteSource,
  blobSource,
  bytesSource,
  openUrlSource,
  type UrlSourceOptions,
} from './io/gguf/byte-source.ts';
export type { GgufValue } from './io/gguf/gguf-file.ts';
export { jsonTokenizerMetadata, type TextEnds } from './io/gguf/gguf-json-tokenizer.ts';
export {
  type BytePairOptions,
  bytePairTokenizerMetadata,
  type ScoredPieces,
  scoredTokenizerMetadata,
} from './io/gguf/gguf-tokenizer.ts';
export type { GgufMetadataValue } from './io/gguf/metadata-value.ts';
export { type GgufModel, openGguf } from './io/gguf/open-gguf.ts';
export type { GgufStorage } from './io/gguf/quantize.ts';
export { verifyGguf } from './io/gguf/verify-gguf.ts';
export { type GgufOptions, writeGguf } from './io/gguf/write-gguf.ts';
export { hostParameters } from './io/host-parameters.ts';
export { type HubFile, type HubFiles, type HubOptions, type HubRepository, openHubFiles } from './io/hub/hub-files.ts';
export { configToHuggingFace } from './io/hugging-face/config-to-hugging-face.ts';
export { configFromHuggingFace } from './io/hugging-face/hugging-face-config.ts';
export { familyOf, type ModelFamily } from './io/hugging-face/model-family.ts';
export type { ModelFolder } from './io/hugging-face/model-folder.ts';
export { readHuggingFace } from './io/hugging-face/read-hugging-face.ts';
export { type WriteOptions, writeHuggingFace } from './io/hugging-face/write-hugging-face.ts';
export { readLlama2c } from './io/llama2c.ts';
export type { ModelWeights } from './io/model-weights.ts';
export { CountingBackend } from './memory/counting-backend.ts';
export { estimateMemory, type MemoryEstimate, type MemoryQuestion } from './memory/estimate-memory.ts';
export { blockSpecs } from './parameters/block-specs.ts';
export { countFlops, type FlopCount } from './parameters/count-flops.ts';
export { countParameters, countSpecs } from './parameters/count-parameters.ts';
export { decoderSpecs } from './parameters/decoder-specs.ts';
export { type Initializer, linearSpecs, type ParameterSpec, type ParameterSpecs } from './parameters/parameter-spec.ts';
export { defineVisionConfig, deitTinyModa, type VisionConfig } from './vision/vision-config.ts';
export { createVisionModel, VisionModel } from './vision/vision-model.ts';
export { visionSpecs } from './vision/vision-specs.ts';
export { layerStudy } from './zoo/layer-study.ts';
export { preset, presets } from './zoo/presets.ts';
