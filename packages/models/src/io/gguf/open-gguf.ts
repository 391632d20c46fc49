import { CheckpointError } from '@modajs/tensor';
import { adaptableMaps } from '../../adapter/lora-config.ts';
import type { DecoderConfig } from '../../config/decoder-config.ts';
import type { StoredBlocks, StoredParameter } from '../../decoder/load-parameters.ts';
import { decoderSpecs } from '../../parameters/decoder-specs.ts';
import type { ParameterSpecs } from '../../parameters/parameter-spec.ts';
import { isRotated, rotaryRows } from '../rows.ts';
import type { ByteSource } from './byte-source.ts';
import { configFromGguf, ggufArchitecture } from './gguf-config.ts';
import { fusedPlace, type GgufArchitecture, ggufName } from './gguf-names.ts';
import type { GgufMetadataValue } from './metadata-value.ts';
import { type GgufHeader, type GgufTensorInfo, readGgufHeader } from './read-gguf-header.ts';
import { readGgufTensor, rowsInfo, sameBytes } from './read-gguf-tensor.ts';

/** A model in a GGUF file whose numbers are still there. */
export interface GgufModel {
  readonly config: DecoderConfig;
  /** By our names. Each is read, and made f32, when it is asked for: give them to `Decoder.readParameters`. */
  readonly parameters: ReadonlyMap<string, StoredParameter>;
  /** All of the file's keys. Those of the tokenizer begin with `tokenizer.`: `Tokenizer.fromGguf` reads them. */
  readonly metadata: ReadonlyMap<string, GgufMetadataValue>;
  /** Storage types and how many numbers are stored in each, the most first. */
  readonly storage: ReadonlyMap<string, number>;
}

/**
 * Opens a GGUF file of llama.cpp: its header is read and checked, and every tensor that the configuration asks for is found
 * with its shape, before any number is read. Rows that the converter reordered for RoPE stand in Hugging Face's order again.
 *
 * @throws CheckpointError in one line with file, key and cure: a damaged file, an architecture, key, tensor or storage type
 *   that is not read, a tensor that is missing or has another shape
 */
export async function openGguf(source: ByteSource): Promise<GgufModel> {
  const file = source.name;
  const header = await readGgufHeader(source);
  const { metadata, tensors } = header;
  const architecture = ggufArchitecture(file, metadata);
  const embedding = tensors.get('token_embd.weight');
  const output = tensors.get('output.weight');
  const factors = async (name: string) => {
    const info = tensors.get(name);
    return info ? readFactors(source, info) : null;
  };
  const config = configFromGguf({
    file,
    metadata,
    tensors,
    ropeFactors: await factors('rope_freqs.weight'),
    longRope: { short: await factors('rope_factors_short.weight'), long: await factors('rope_factors_long.weight') },
    // Some architectures have the embedding a second time where Hugging Face's files tie it.
    tieEmbeddings: !output || (embedding !== undefined && (await sameBytes(source, embedding, output))),
  });
  const tokens = metadata.get('tokenizer.ggml.tokens');
  if (Array.isArray(tokens) && tokens.length > config.vocabSize) {
    const message = `${file}: tokenizer.ggml.tokens must be at most the ${config.vocabSize} rows of token_embd.weight, got ${tokens.length}. Convert the model again.`;
    throw new CheckpointError(message, { file, key: 'tokenizer.ggml.tokens' });
  }
  const ofRope =
    config.ropeScaling?.kind === 'longrope' ? ['rope_factors_short.weight', 'rope_factors_long.weight'] : [];
  const known = new Set(['rope_freqs.weight', ...ofRope, ...(config.tieEmbeddings ? ['output.weight'] : [])]);
  const parameters = new Map<string, StoredParameter>();
  const specs = decoderSpecs(config);
  const maps = adaptableMaps(config);
  for (const [name, { shape }] of Object.entries(specs)) {
    const info = infoOf(name, specs, architecture, header, file, known);
    if (info.shape.join() !== shape.join()) {
      const message = `${file}: ${info.name} must be [${shape}] as the metadata say, got [${info.shape}]. Convert the model again.`;
      throw new CheckpointError(message, { file, key: info.name, shape: info.shape });
    }
    const isPaired = architecture.hasPairedRows && isRotated(name);
    parameters.set(name, {
      shape,
      read: async () => {
        const stored = await readGgufTensor(source, info);
        return isPaired ? rotaryRows(stored, config.headDim, config.ropeInterleaved) : stored;
      },
      ...(maps.has(name.replace(/\.weight$/, '')) ? storedBlocks(source, info, isPaired ? config : null) : {}),
    });
  }
  for (const name of tensors.keys()) {
    if (known.has(name)) continue;
    const message = `${file}: ${name} must be a tensor of ${architecture.name}'s, it is not. What it does is not known here.`;
    throw new CheckpointError(message, { file, key: name });
  }
  return { config, parameters, metadata, storage: storageOf(header) };
}

const kept = new Map<string, StoredBlocks['format']>([
  ['Q8_0', 'q8_0'],
  ['Q4_0', 'q4_0'],
]);

/** The blocks of a matrix as they are stored, its rows in our order; nothing for a type that has to be widened. */
function storedBlocks(
  source: ByteSource,
  { type, shape, begin, end }: GgufTensorInfo,
  paired: DecoderConfig | null,
): { readonly quantized?: StoredBlocks } {
  const format = kept.get(type.name);
  if (format === undefined || shape.length !== 2) return {};
  const read = async (): Promise<Uint8Array> => {
    const bytes = await source.read(begin, end);
    if (paired === null) return bytes;
    const numbers = { shape: [shape[0]], data: Float32Array.from({ length: shape[0] }, (_, row) => row) };
    const rowBytes = bytes.length / shape[0];
    const ordered = new Uint8Array(bytes.length);
    for (const [to, from] of rotaryRows(numbers, paired.headDim, paired.ropeInterleaved).data.entries()) {
      ordered.set(bytes.subarray(from * rowBytes, (from + 1) * rowBytes), to * rowBytes);
    }
    return ordered;
  };
  return { quantized: { format, read } };
}

/** The stored tensor, or its rows, that is a parameter; its name is put into `known`. */
function infoOf(
  ours: string,
  specs: ParameterSpecs,
  architecture: GgufArchitecture,
  { tensors }: GgufHeader,
  file: string,
  known: Set<string>,
): GgufTensorInfo {
  const fused = fusedPlace(ours, architecture);
  const name = fused?.name ?? ggufName(ours, architecture);
  const info = name === undefined ? undefined : tensors.get(name);
  if (name === undefined || !info) {
    const message = `${file}: ${name ?? ours} must be in the file, got ${tensors.size} other tensors. Is it a part of a split model?`;
    throw new CheckpointError(message, { file, key: name ?? ours });
  }
  known.add(name);
  if (!fused) return info;
  const rows = fused.parts.map((part) => specs[part].shape[0]);
  // Another shape is refused by the caller, as a whole.
  if (info.shape[0] !== rows.reduce((sum, count) => sum + count, 0)) return info;
  const at = fused.parts.indexOf(ours);
  const first = rows.slice(0, at).reduce((sum, count) => sum + count, 0);
  return rowsInfo(info, first, first + rows[at]);
}

/** @throws CheckpointError for more factors than heads have pairs */
async function readFactors(source: ByteSource, info: GgufTensorInfo): Promise<ArrayLike<number>> {
  if (info.shape.length === 1 && info.shape[0] <= 1024) return (await readGgufTensor(source, info)).data;
  const message = `${source.name}: ${info.name} must be a vector of half a head, got [${info.shape}]. Convert the model again.`;
  throw new CheckpointError(message, { file: source.name, key: info.name });
}

function storageOf({ tensors }: GgufHeader): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { type, shape } of tensors.values()) {
    const count = shape.reduce((product, length) => product * length, 1);
    counts.set(type.name, (counts.get(type.name) ?? 0) + count);
  }
  return new Map([...counts].sort((a, b) => b[1] - a[1]));
}
