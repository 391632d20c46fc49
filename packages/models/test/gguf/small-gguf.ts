import type { DecoderConfig } from '../../src/config/decoder-config.ts';
import type { HostParameter } from '../../src/decoder/load-parameters.ts';
import {
  createDecoder,
  type GgufOptions,
  hostParameters,
  type ScoredPieces,
  scoredTokenizerMetadata,
  writeGguf,
} from '../../src/index.ts';
import { ggmlTypes } from '../../src/io/gguf/ggml-types.ts';
import { type GgufTensor, type GgufValue, writeGgufFile } from '../../src/io/gguf/gguf-file.ts';
import { ggufArchitectures, ggufName } from '../../src/io/gguf/gguf-names.ts';
import { isRotated, rotaryRows } from '../../src/io/rows.ts';

/** 288 pieces: unknown, start, end, 256 bytes, 29 letters and pairs. */
const pieces = [
  ...['<unk>', '<s>', '</s>'],
  ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`),
  ...'abcdefghijklmnopqrst ',
  ...['ab', 'abc', ' a', 'de', 'cd', 'cde', 'bc', 'st'],
];
export const vocabulary: ScoredPieces = {
  pieces,
  // Some have one score.
  scores: pieces.map((_, i) => (i < 259 ? 0 : -Math.floor(i / 2))),
  unknownId: 0,
  bosId: 1,
  eosId: 2,
};

/** Parameters that are larger than fresh ones: nearly uniform distributions would agree whatever the computation. */
export async function largeParameters(config: DecoderConfig): Promise<Map<string, HostParameter>> {
  using model = createDecoder(config, { seed: 9 });
  const parameters = new Map<string, HostParameter>();
  for (const [name, { shape, data }] of await hostParameters(model))
    parameters.set(name, { shape, data: Float32Array.from(data, (x, i) => x * 4 + 0.1 * Math.sin(5 * i)) });
  return parameters;
}

export async function smallGguf(config: DecoderConfig, options?: GgufOptions): Promise<Uint8Array> {
  return writeGguf(config, await largeParameters(config), scoredTokenizerMetadata(vocabulary), options);
}

/** A file of any architecture whose parameters stand alone, with keys of its own, as llama.cpp's converter writes it. */
export function ggufOf(
  name: string,
  config: DecoderConfig,
  parameters: ReadonlyMap<string, HostParameter>,
  own: Readonly<Record<string, number>>,
): Uint8Array {
  const architecture = ggufArchitectures[name];
  const tensors = new Map<string, GgufTensor>();
  for (const [ours, parameter] of parameters) {
    const isPaired = architecture.hasPairedRows && isRotated(ours);
    tensors.set(ggufName(ours, architecture)!, isPaired ? rotaryRows(parameter, config.headDim, true) : parameter);
  }
  const u32 = (value: number): GgufValue => ({ type: 'u32', value });
  const f32 = (value: number): GgufValue => ({ type: 'f32', value });
  const keys: Record<string, GgufValue> = {
    context_length: u32(config.seqLen),
    embedding_length: u32(config.dModel),
    block_count: u32(config.nLayers),
    feed_forward_length: u32(config.dFf),
    'attention.head_count': u32(config.nHeads),
    'attention.head_count_kv': u32(config.nKvHeads),
    'attention.key_length': u32(config.headDim),
    'attention.value_length': u32(config.headDim),
    'attention.layer_norm_rms_epsilon': f32(config.normEps),
    'rope.freq_base': f32(config.ropeTheta),
    ...Object.fromEntries(
      Object.entries(own).map(([key, value]) => [key, key === 'attention.sliding_window' ? u32(value) : f32(value)]),
    ),
  };
  const metadata = Object.fromEntries(Object.entries(keys).map(([key, value]) => [`${name}.${key}`, value]));
  return writeGgufFile(
    { 'general.architecture': { type: 'string', value: name }, ...metadata, ...scoredTokenizerMetadata(vocabulary) },
    tensors,
  );
}

/** GPT-2 as llama.cpp's converter writes it: one matrix of queries, keys and values, `[outputs, inputs]`. */
export function gpt2Gguf(config: DecoderConfig, parameters: ReadonlyMap<string, HostParameter>): Uint8Array {
  const tensors = new Map<string, GgufTensor>();
  const blockNames: Readonly<Record<string, string>> = {
    input_layernorm: 'attn_norm',
    'self_attn.o_proj': 'attn_output',
    post_attention_layernorm: 'ffn_norm',
    'mlp.up_proj': 'ffn_up',
    'mlp.down_proj': 'ffn_down',
  };
  const get = (name: string) => parameters.get(name)!;
  tensors.set('token_embd.weight', get('model.embed_tokens.weight'));
  tensors.set('position_embd.weight', get('model.embed_positions.weight'));
  for (const kind of ['weight', 'bias']) {
    tensors.set(`output_norm.${kind}`, get(`model.norm.${kind}`));
    for (let l = 0; l < config.nLayers; l++) {
      const prefix = `model.layers.${l}`;
      for (const [ours, theirs] of Object.entries(blockNames))
        tensors.set(`blk.${l}.${theirs}.${kind}`, get(`${prefix}.${ours}.${kind}`));
      const parts = ['q', 'k', 'v'].map((part) => get(`${prefix}.self_attn.${part}_proj.${kind}`));
      const rows = parts.reduce((sum, { shape }) => sum + shape[0], 0);
      const data = parts.flatMap((part) => Array.from(part.data));
      tensors.set(`blk.${l}.attn_qkv.${kind}`, { shape: [rows, ...parts[0].shape.slice(1)], data });
    }
  }
  const u32 = (value: number): GgufValue => ({ type: 'u32', value });
  const metadata: Record<string, GgufValue> = {
    'general.architecture': { type: 'string', value: 'gpt2' },
    'gpt2.context_length': u32(config.seqLen),
    'gpt2.embedding_length': u32(config.dModel),
    'gpt2.block_count': u32(config.nLayers),
    'gpt2.feed_forward_length': u32(config.dFf),
    'gpt2.attention.head_count': u32(config.nHeads),
    'gpt2.attention.layer_norm_epsilon': { type: 'f32', value: config.normEps },
  };
  return writeGgufFile({ ...metadata, ...scoredTokenizerMetadata(vocabulary) }, tensors);
}

/**
 * A file in which every matrix of blocks of Q8_0 is stored in another type, of random blocks with small scales. The rest of the
 * file is as it was.
 */
export function withRandomBlocks(file: Uint8Array, code: number, seed: number): Uint8Array {
  const view = new DataView(file.buffer);
  const type = ggmlTypes.get(code)!;
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  const text = (at: number) => Number(view.getBigUint64(at, true));
  // The tensor list begins with the first name after the last metadata string.
  const first = new TextDecoder('latin1').decode(file).indexOf('token_embd.weight') - 8;
  const entries: { at: number; rank: number; count: number; name: string }[] = [];
  const nTensors = text(8);
  for (let at = first; entries.length < nTensors; ) {
    const length = text(at);
    const name = new TextDecoder().decode(file.subarray(at + 8, at + 8 + length));
    at += 8 + length;
    const rank = view.getUint32(at, true);
    let count = 1;
    for (let d = 0; d < rank; d++) count *= text(at + 4 + 8 * d);
    at += 4 + 8 * rank;
    entries.push({ at, rank, count, name });
    at += 12;
  }
  const start = Math.ceil((entries.at(-1)!.at + 12) / 32) * 32;
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const { at, count } of entries) {
    const from = start + text(at + 4);
    let bytes: Uint8Array;
    if (view.getUint32(at, true) === 8) {
      bytes = Uint8Array.from({ length: (count / type.blockSize) * type.blockBytes }, random);
      const out = new DataView(bytes.buffer);
      const scales = scalesOf[code];
      for (const field of scales.at) {
        for (let block = 0; block < bytes.length; block += type.blockBytes) {
          // Of either sign, up to twice that power.
          const bits = ((scales.power + 15) << 10) | (out.getUint16(block + field, true) & 0x83ff);
          out.setUint16(block + field, bits, true);
        }
      }
      view.setUint32(at, code, true);
    } else bytes = file.slice(from, from + 4 * count);
    view.setBigUint64(at + 4, BigInt(offset), true);
    parts.push(bytes, new Uint8Array((32 - (bytes.length % 32)) % 32));
    offset += Math.ceil(bytes.length / 32) * 32;
  }
  return new Uint8Array(Buffer.concat([file.subarray(0, start), ...parts]));
}

/** Where a block has its f16 scales, and the power of 2 that makes its numbers some hundredths large. */
const scalesOf: Readonly<Record<number, { readonly at: readonly number[]; readonly power: number }>> = {
  2: { at: [0], power: -7 },
  3: { at: [0, 2], power: -8 },
  6: { at: [0], power: -8 },
  7: { at: [0, 2], power: -9 },
  8: { at: [0], power: -11 },
  10: { at: [80, 82], power: -9 },
  11: { at: [108], power: -10 },
  12: { at: [0, 2], power: -13 },
  13: { at: [0, 2], power: -14 },
  14: { at: [208], power: -14 },
};
