import type { DecoderConfig } from '../../src/config/decoder-config.ts';
import type { HostParameter } from '../../src/decoder/load-parameters.ts';
import {
  createDecoder,
  defineDecoderConfig,
  type GgufOptions,
  hostParameters,
  type ScoredPieces,
  scoredTokenizerMetadata,
  writeGguf,
} from '../../src/index.ts';
import { ggmlTypes } from '../../src/io/gguf/ggml-types.ts';
import { smallFamilies } from '../families.ts';

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
  // llama.cpp asks for this token in every file of Phi 3.
  const pieces = config === ggufModels['phi3'] ? vocabulary.pieces.with(287, '<|endoftext|>') : vocabulary.pieces;
  const tokenizer = scoredTokenizerMetadata({ ...vocabulary, pieces });
  return writeGguf(config, await largeParameters(config), tokenizer, options);
}

const small = { nLayers: 2, nHeads: 4, nKvHeads: 2, headDim: 8, dModel: 32, dFf: 40, vocabSize: 288, seqLen: 64 };
const pre = { ...small, norm: 'pre', qkNorm: 'none', normEps: 1e-5, ropeTheta: 10_000 } as const;
const gemma = { ...pre, activation: 'geglu', embeddingScale: Math.sqrt(small.dModel) } as const;
const sandwich = { ...gemma, norm: 'sandwich', softmaxScale: small.headDim ** -0.5 } as const;

/** A small model of each architecture that llama.cpp and we know, with what its code fixes: windows in 5 of 6 layers, no RoPE in every fourth. */
export const ggufModels: Readonly<Record<string, DecoderConfig>> = {
  olmo2: smallFamilies.olmo2,
  llama: smallFamilies.llama,
  qwen3: smallFamilies.qwen3,
  gpt2: smallFamilies.gpt2,
  qwen2: defineDecoderConfig({ ...pre, bias: true, biasMaps: 'qkv' }),
  granite: defineDecoderConfig({
    ...pre,
    embeddingScale: 3,
    residualScale: 0.25,
    logitScale: 0.125,
    softmaxScale: 0.25,
  }),
  smollm3: defineDecoderConfig({ ...pre, nLayers: 4, nopeLayers: [3] }),
  phi3: defineDecoderConfig({ ...smallFamilies.phi3, tieEmbeddings: false }),
  gemma: defineDecoderConfig(gemma),
  gemma2: defineDecoderConfig({ ...sandwich, window: 5, localLayers: [0], attentionSoftcap: 5, logitSoftcap: 3 }),
  gemma3: defineDecoderConfig({
    ...sandwich,
    nLayers: 6,
    qkNorm: 'head',
    ropeTheta: 1e6,
    localRopeTheta: 10_000,
    window: 5,
    localLayers: [0, 1, 2, 3, 4],
    ropeScaling: { kind: 'linear', factor: 8 },
  }),
  gptneox: defineDecoderConfig({ ...smallFamilies.gpt_neox, biasMaps: 'all', rotaryDim: 4 }),
};

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
