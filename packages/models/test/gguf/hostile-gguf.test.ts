import { CheckpointError, type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesSource, defineDecoderConfig, openGguf, scoredTokenizerMetadata } from '../../src/index.ts';
import { type GgufTensor, type GgufValue, writeGgufFile } from '../../src/io/gguf/gguf-file.ts';
import { smallFamilies } from '../families.ts';
import { smallGguf, vocabulary } from './small-gguf.ts';

const latin1 = new TextDecoder('latin1');

/** A copy with a number at `offset` bytes behind the first place of `text`. */
function patched(file: Uint8Array, text: string, offset: number, value: number | bigint): Uint8Array {
  const copy = file.slice();
  const at = latin1.decode(file).indexOf(text) + text.length + offset;
  const view = new DataView(copy.buffer);
  if (typeof value === 'bigint') view.setBigUint64(at, value, true);
  else view.setUint32(at, value, true);
  return copy;
}

const HUGE = 2n ** 63n;
const NAME = 'blk.0.attn_q.weight';
/** Behind a matrix's name: rank, two lengths, type, offset. */
const [RANK, LENGTH, TYPE, OFFSET] = [0, 4, 20, 24];

describe('a damaged GGUF file', () => {
  let device: Device;
  let file: Uint8Array;
  beforeAll(async () => {
    device = await init({ device: 'cpu' });
    file = await smallGguf(defineDecoderConfig({ ...smallFamilies.llama, nLayers: 1, vocabSize: 288 }));
  });
  afterAll(() => device.destroy());

  const refusal = async (bytes: Uint8Array): Promise<string> => {
    const error = await openGguf(bytesSource(bytes, 'small.gguf')).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(CheckpointError);
    const { message } = error as CheckpointError;
    expect(message).toMatch(/^small\.gguf: [^\n]+\. [^\n]+[.?]$/);
    return message;
  };

  it.each<[string, (file: Uint8Array) => Uint8Array, string]>([
    ['that is empty', () => new Uint8Array(), 'header: the file must hold 24 bytes for it, got 0. Is it truncated?'],
    ['of another kind', (x) => patched(x, '', 0, 0x04034b50), 'a file must begin with "GGUF"'],
    ['of version 1', (x) => patched(x, '', 4, 1), 'version: it must be 2 or 3, got 1'],
    ['of another byte order', (x) => patched(x, '', 4, 0x03000000), 'a file must be little-endian'],
    [
      'of 2^63 tensors',
      (x) => patched(x, '', 8, HUGE),
      'tensor count: a length must be below 2^53, got 9223372036854775808',
    ],
    ['of 2^40 tensors', (x) => patched(x, '', 8, 2n ** 40n), '1099511627776 tensors must fit'],
    ['of 2^63 keys', (x) => patched(x, '', 16, HUGE), 'metadata count: a length must be below 2^53'],
    ['with a key of 2^63 bytes', (x) => patched(x, '', 24, HUGE), 'metadata key 0: a length must be below 2^53'],
    ['with a key of 2^40 bytes', (x) => patched(x, '', 24, 2n ** 40n), 'metadata key 0: the file must hold'],
    [
      'with a list of 2^62 texts',
      (x) => patched(x, 'tokenizer.ggml.tokens', 8, 2n ** 62n),
      'tokenizer.ggml.tokens: a length must be below 2^53',
    ],
    [
      'with a list of 2^40 numbers',
      (x) => patched(x, 'tokenizer.ggml.scores', 8, 2n ** 40n),
      'tokenizer.ggml.scores: 1099511627776 elements must fit',
    ],
    [
      'with lists of lists',
      (x) => patched(x, 'tokenizer.ggml.tokens', 4, 9),
      'elements must be numbers, booleans or text, got type 9 (lists)',
    ],
    [
      'with an unknown kind of value',
      (x) => patched(x, 'llama.block_count', 0, 13),
      'llama.block_count: the type must be a number from 0 to 12, got 13',
    ],
    [
      'with a line break in a key',
      (x) => patched(x, 'llama.attention', 0, 0x6b0a2e0a),
      'it must be 1 to 256 printable ASCII characters, got',
    ],
    [
      'of 2^30 blocks',
      (x) => patched(x, 'llama.block_count', 4, 2 ** 30),
      'block_count must be at most the number of tensors, got 1073741824',
    ],
    [
      'of no blocks',
      (x) => patched(x, 'llama.block_count', 4, 0),
      'llama.block_count must be a whole number >= 1, got 0',
    ],
    [
      'of other heads',
      (x) => patched(x, 'llama.attention.head_count_kv', 4, 3),
      'blk.0.attn_k.weight must be [24,32] as the metadata say, got [16,32]',
    ],
    ['of a rank of 5', (x) => patched(x, NAME, RANK, 5), `${NAME}: a tensor must have 1 to 4 dimensions, got 5`],
    ['of a dimension of 2^63', (x) => patched(x, NAME, LENGTH, HUGE), `${NAME}: a length must be below 2^53`],
    [
      'of dimensions of 2^52',
      (x) => patched(patched(x, NAME, LENGTH, 2n ** 52n), NAME, LENGTH + 8, 2n ** 52n),
      'the shape must hold 1 to 2^53 numbers',
    ],
    ['of a dimension of 0', (x) => patched(x, NAME, LENGTH, 0n), 'the shape must hold 1 to 2^53 numbers, got [48,0]'],
    ['of more rows than it has bytes for', (x) => patched(x, NAME, LENGTH + 8, 2n ** 30n), 'needs bytes up to'],
    [
      'of IQ4_NL',
      (x) => patched(x, NAME, TYPE, 20),
      'the storage must be F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, BF16, got IQ4_NL. Quantise',
    ],
    ['of an unknown type', (x) => patched(x, NAME, TYPE, 99), 'got type 99'],
    [
      'of Q4_K in short rows',
      (x) => patched(x, NAME, TYPE, 12),
      'rows of Q4_K must be whole blocks of 256, got [48,32]',
    ],
    ['with an offset of 2^63', (x) => patched(x, NAME, OFFSET, HUGE), `${NAME}: a length must be below 2^53`],
    ['with an offset of 2^40', (x) => patched(x, NAME, OFFSET, 2n ** 40n), `${NAME}: F32 [48,32] needs bytes up to`],
    ['with an odd offset', (x) => patched(x, NAME, OFFSET, 33n), 'the offset must be a multiple of 32, got 33'],
    ['with overlapping tensors', (x) => patched(x, NAME, OFFSET, 32n), 'tensors must not overlap'],
    ['whose last tensor is cut', (x) => x.subarray(0, x.length - 64), 'Is the file truncated?'],
  ])('%s is refused', async (_, damage, message) => {
    expect(await refusal(damage(file))).toContain(message);
  });

  it('cut anywhere before its numbers is refused', async () => {
    const end = latin1.decode(file).indexOf('output.weight');
    for (let length = 0; length < end; length += 61)
      expect(await refusal(file.subarray(0, length))).toContain('runcated');
  });

  const build = (
    metadata: Record<string, GgufValue>,
    change: (tensors: Map<string, GgufTensor>) => void = () => {},
  ) => {
    const u32 = (value: number): GgufValue => ({ type: 'u32', value });
    const vector = { shape: [2], data: [1, 1] };
    const matrix = { shape: [2, 2], data: [1, 2, 3, 4] };
    const tensors = new Map<string, GgufTensor>([
      ['token_embd.weight', { shape: [288, 2], data: new Float32Array(576) }],
      ['output_norm.weight', vector],
      ...['attn_norm', 'ffn_norm'].map((name): [string, GgufTensor] => [`blk.0.${name}.weight`, vector]),
      ...['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'].map(
        (name): [string, GgufTensor] => [`blk.0.${name}.weight`, matrix],
      ),
    ]);
    change(tensors);
    const all: Record<string, GgufValue> = {
      'general.architecture': { type: 'string', value: 'llama' },
      'llama.context_length': u32(8),
      'llama.embedding_length': u32(2),
      'llama.block_count': u32(1),
      'llama.feed_forward_length': u32(2),
      'llama.attention.head_count': u32(1),
      'llama.attention.layer_norm_rms_epsilon': { type: 'f32', value: 1e-5 },
      ...metadata,
    };
    return writeGgufFile({ ...all, ...scoredTokenizerMetadata(vocabulary) }, tensors);
  };

  it.each<[string, Uint8Array, string]>([
    [
      'another architecture',
      build({ 'general.architecture': { type: 'string', value: 'mamba' } }),
      'general.architecture must be one of llama, granite, qwen2, qwen3, olmo2, smollm3, phi3, gemma, gemma2, gemma3, gpt2, gptneox, got "mamba"',
    ],
    [
      'an odd alignment',
      build({ 'general.alignment': { type: 'u32', value: 24 } }),
      'general.alignment: it must be a power of 2 from 8 to 2^20, got 24',
    ],
    ['experts', build({ 'llama.expert_count': { type: 'u32', value: 8 } }), 'llama.expert_count must be 0, got 8'],
    [
      'a field that is not known',
      build({ 'llama.attention.scale': { type: 'f32', value: 2 } }),
      'llama.attention.scale must be left out',
    ],
    [
      'partial rotation',
      build({ 'llama.rope.dimension_count': { type: 'u32', value: 1 } }),
      'llama.rope.dimension_count must be 2, got 1',
    ],
    [
      'a part of a split model',
      build({ 'split.count': { type: 'u32', value: 2 } }),
      'split.count must be 1 or 0, got 2',
    ],
    [
      'layers of other widths',
      build({ 'llama.feed_forward_length': { type: 'i32s', value: [2, 4] } }),
      'llama.feed_forward_length must be a whole number >= 1, got [2, 4]',
    ],
    [
      'a tensor that is missing',
      build({}, (tensors) => tensors.delete('blk.0.ffn_up.weight')),
      'blk.0.ffn_up.weight must be in the file',
    ],
    [
      'a tensor that is not known',
      build({}, (tensors) => tensors.set('blk.0.ssm_a', { shape: [1], data: [1] })),
      "blk.0.ssm_a must be a tensor of llama's, it is not",
    ],
    [
      "divisors of RoPE's frequencies",
      build({}, (tensors) => tensors.set('rope_freqs.weight', { shape: [1], data: [3] })),
      'rope_freqs.weight must hold the divisors',
    ],
    [
      'frequencies that are no vector',
      build({}, (tensors) => tensors.set('rope_freqs.weight', { shape: [1, 1], data: [3] })),
      'rope_freqs.weight must be a vector of half a head',
    ],
  ])('with %s is refused', async (_, bytes, message) => {
    expect(await refusal(bytes)).toContain(message);
  });

  it('is the file that was meant without these faults', async () => {
    const { config } = await openGguf(
      bytesSource(build({ 'llama.attention.head_count_kv': { type: 'i32s', value: [1] } })),
    );
    expect(config).toMatchObject({ nLayers: 1, nHeads: 1, nKvHeads: 1, dModel: 2, dFf: 2, seqLen: 8, normEps: 1e-5 });
  });
});
