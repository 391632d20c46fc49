import { ConfigError, shown } from '@modajs/tensor';
import type { DecoderConfig } from '../../config/decoder-config.ts';
import type { HostParameter } from '../../decoder/load-parameters.ts';
import { familyOf } from '../hugging-face/model-family.ts';
import { isRotated, rotaryRows, stackedRows } from '../rows.ts';
import { type GgufTensor, type GgufValue, writeGgufFile } from './gguf-file.ts';
import { ggufKeys, ropeTensors } from './gguf-keys.ts';
import { architectureOf, fusedPlace, type GgufArchitecture, ggufArchitectures, ggufName } from './gguf-names.ts';
import type { GgufStorage } from './quantize.ts';
import { requireSaid } from './said-config.ts';

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
 * A GGUF file for the baseline families that llama.cpp runs (`ggufArchitectures`).
 *
 * @param parameters all of the model's, by our names
 * @param tokenizer from `bytePairTokenizerMetadata` or `scoredTokenizerMetadata`
 * @throws ConfigError for any other architecture (MoDA and the rivals have no GGUF form), and for a field that the file's keys cannot say
 */
export function writeGguf(
  config: DecoderConfig,
  parameters: ReadonlyMap<string, HostParameter>,
  tokenizer: Readonly<Record<string, GgufValue>>,
  { storage = 'F32' }: GgufOptions = {},
): Uint8Array {
  const family = familyOf(config);
  // Llama's own file says long RoPE too; llama.cpp's only as Phi 3.
  const isLong = family === 'llama' && config.ropeScaling?.kind === 'longrope';
  const name = isLong ? 'phi3' : family && architectureOf(family);
  if (name === null) {
    const known = Object.keys(ggufArchitectures).join(', ');
    throw new ConfigError(
      `gguf: the model must be a baseline of ${known}, got depth=${config.depth.kind}, norm=${config.norm}, qkNorm=${config.qkNorm}${family === null ? '' : ` (${family})`}. Export safetensors instead.`,
      { depth: config.depth.kind, norm: config.norm, qkNorm: config.qkNorm, family },
    );
  }
  const width = config.nHeads * config.headDim;
  if (name === 'olmo2' && width !== config.dModel) {
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
  const architecture = ggufArchitectures[name];
  const tensors = new Map<string, GgufTensor>(ropeTensors(config));
  for (const ours of parameters.keys()) {
    const fused = fusedPlace(ours, architecture);
    if (fused && fused.parts[0] !== ours) continue;
    const parts = (fused?.parts ?? [ours]).map((part) => pairRows(part, parameters.get(part)!, config, architecture));
    const tensor = parts.length === 1 ? parts[0] : stackedRows(parts);
    const theirs = fused?.name ?? ggufName(ours, architecture)!;
    tensors.set(theirs, { ...tensor, storage: storageOf(tensor.shape, storage) });
  }
  // llama.cpp's olmo2 asks for an output matrix even when it is the embedding's.
  const embedding = tensors.get('token_embd.weight');
  if (name === 'olmo2' && config.tieEmbeddings && embedding) tensors.set('output.weight', embedding);
  const metadata: Record<string, GgufValue> = {
    'general.architecture': { type: 'string', value: name },
    'general.name': { type: 'string', value: `${name} ${config.nLayers}x${config.dModel}` },
    'general.file_type': { type: 'u32', value: fileTypes[storage] },
    ...ggufKeys(name, config),
  };
  requireSaid(config, metadata, tensors);
  return writeGgufFile({ ...metadata, ...tokenizer }, tensors);
}

function storageOf(shape: readonly number[], wanted: GgufStorage): GgufStorage {
  if (shape.length < 2) return 'F32';
  const isBlocks = wanted === 'Q8_0' || wanted === 'Q4_0';
  return isBlocks && shape[shape.length - 1] % 32 !== 0 ? 'F16' : wanted;
}

/** llama.cpp pairs (2i, 2i+1) in some architectures and (i, i + D/2) in the others; rows are put in its order. */
function pairRows(
  name: string,
  parameter: HostParameter,
  { headDim, ropeInterleaved }: DecoderConfig,
  { hasPairedRows }: GgufArchitecture,
): HostParameter {
  if (hasPairedRows === ropeInterleaved || !isRotated(name)) return parameter;
  return rotaryRows(parameter, headDim, hasPairedRows);
}
