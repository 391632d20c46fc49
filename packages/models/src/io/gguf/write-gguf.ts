import { ConfigError, shown } from '@modajs/tensor';
import type { DecoderConfig } from '../../config/decoder-config.ts';
import type { HostParameter } from '../../decoder/load-parameters.ts';
import { familyOf, type ModelFamily } from '../hugging-face/model-family.ts';
import { isRotated, rotaryRows } from '../rows.ts';
import { type GgufTensor, type GgufValue, writeGgufFile } from './gguf-file.ts';
import { ggufArchitectures, ggufName } from './gguf-names.ts';
import type { GgufStorage } from './quantize.ts';

/** Families whose configuration a GGUF file can say in whole. */
const written: readonly ModelFamily[] = ['olmo2', 'llama', 'qwen3'];

/** How a GGUF file is written. */
export interface GgufOptions {
  /**
   * Of matrices; vectors are F32 always. Q8_0 and Q4_0 take rows of a multiple of 32: matrices with others are F16. Default: F32.
   */
  readonly storage?: GgufStorage;
}

/** llama.cpp's numbers of what most of a file is. */
const fileTypes = { F32: 0, F16: 1, Q8_0: 7, Q4_0: 2 } as const;

/**
 * A GGUF file for the baseline families that llama.cpp runs: olmo2, llama and qwen3.
 *
 * @param parameters all of the model's, by our names
 * @param tokenizer from `bytePairTokenizerMetadata` or `scoredTokenizerMetadata`
 * @throws ConfigError for any other architecture (MoDA and the rivals have no GGUF form)
 */
export function writeGguf(
  config: DecoderConfig,
  parameters: ReadonlyMap<string, HostParameter>,
  tokenizer: Readonly<Record<string, GgufValue>>,
  { storage = 'F32' }: GgufOptions = {},
): Uint8Array {
  const family = familyOf(config);
  if (!family || !written.includes(family)) {
    throw new ConfigError(
      `gguf: the model must be an olmo2, llama or qwen3 baseline, got depth=${config.depth.kind}, norm=${config.norm}, qkNorm=${config.qkNorm}. Export safetensors instead.`,
      { depth: config.depth.kind, norm: config.norm, qkNorm: config.qkNorm },
    );
  }
  if (config.softmaxScale !== null) {
    throw new ConfigError(`gguf: softmaxScale must be null, got ${config.softmaxScale}. The format cannot say it.`);
  }
  for (const [field, said] of Object.entries({ activation: 'swiglu', ropeScaling: null, window: null })) {
    const value = config[field as keyof DecoderConfig];
    if (value === said) continue;
    throw new ConfigError(`gguf: ${field} must be ${said}, got ${shown(value)}. Export a Hugging Face folder instead.`);
  }
  const width = config.nHeads * config.headDim;
  if (family === 'olmo2' && width !== config.dModel) {
    throw new ConfigError(
      `gguf: llama.cpp's olmo2 needs nHeads * headDim = dModel, got ${width} and ${config.dModel}. Export safetensors instead.`,
      { width, dModel: config.dModel },
    );
  }
  if (!Object.hasOwn(fileTypes, storage)) {
    throw new ConfigError(`gguf: storage must be F32, F16, Q8_0 or Q4_0, got ${shown(storage)}. Choose one of them.`, {
      storage,
    });
  }
  const tensors = new Map<string, GgufTensor>();
  for (const [name, parameter] of parameters)
    tensors.set(ggufName(name, ggufArchitectures[family])!, {
      ...pairRows(name, parameter, config, family),
      storage: storageOf(parameter.shape, storage),
    });
  // llama.cpp's olmo2 asks for an output matrix even when it is the embedding's.
  const embedding = tensors.get('token_embd.weight');
  if (family === 'olmo2' && config.tieEmbeddings && embedding) tensors.set('output.weight', embedding);
  return writeGgufFile({ ...modelMetadata(config, family, storage), ...tokenizer }, tensors);
}

function storageOf(shape: readonly number[], wanted: GgufStorage): GgufStorage {
  if (shape.length < 2) return 'F32';
  const isBlocks = wanted === 'Q8_0' || wanted === 'Q4_0';
  return isBlocks && shape[shape.length - 1] % 32 !== 0 ? 'F16' : wanted;
}

/** llama.cpp pairs (2i, 2i+1) for llama and (i, i + D/2) for the others; rows are put in its order. */
function pairRows(name: string, parameter: HostParameter, config: DecoderConfig, family: ModelFamily): HostParameter {
  const wantsInterleaved = ggufArchitectures[family].hasPairedRows;
  if (wantsInterleaved === config.ropeInterleaved) return parameter;
  return isRotated(name) ? rotaryRows(parameter, config.headDim, wantsInterleaved) : parameter;
}

function modelMetadata(config: DecoderConfig, family: ModelFamily, storage: GgufStorage): Record<string, GgufValue> {
  const u32 = (value: number): GgufValue => ({ type: 'u32', value });
  const f32 = (value: number): GgufValue => ({ type: 'f32', value });
  return {
    'general.architecture': { type: 'string', value: family },
    'general.name': { type: 'string', value: `${family} ${config.nLayers}x${config.dModel}` },
    'general.file_type': u32(fileTypes[storage]),
    [`${family}.context_length`]: u32(config.seqLen),
    [`${family}.embedding_length`]: u32(config.dModel),
    [`${family}.block_count`]: u32(config.nLayers),
    [`${family}.feed_forward_length`]: u32(config.dFf),
    [`${family}.attention.head_count`]: u32(config.nHeads),
    [`${family}.attention.head_count_kv`]: u32(config.nKvHeads),
    [`${family}.attention.key_length`]: u32(config.headDim),
    [`${family}.attention.value_length`]: u32(config.headDim),
    [`${family}.attention.layer_norm_rms_epsilon`]: f32(config.normEps),
    [`${family}.rope.dimension_count`]: u32(config.headDim),
    [`${family}.rope.freq_base`]: f32(config.ropeTheta),
    [`${family}.vocab_size`]: u32(config.vocabSize),
  };
}
