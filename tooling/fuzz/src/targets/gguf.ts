import {
  bytePairTokenizerMetadata,
  bytesSource,
  type DecoderConfigInput,
  decoderSpecs,
  defineDecoderConfig,
  type GgufOptions,
  type GgufValue,
  openGguf,
  scoredTokenizerMetadata,
  writeGguf,
} from '@modajs/models';
import { CheckpointError } from '@modajs/tensor';
import { Tokenizer, trainBpe } from '@modajs/tokenizer';
import { checkTokenizer } from '../check-tokenizer.ts';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import type { Random } from '../random.ts';

const FILE = 'fuzz.gguf';
const pieces = [
  '<unk>',
  '<s>',
  '</s>',
  '<0x0A>',
  '<0xE2>',
  ...' aehtnos',
  ' t',
  'he',
  ' the',
  ' a',
  'at',
  'aa',
  'aaaa',
];
const scored = scoredTokenizerMetadata({
  pieces,
  scores: pieces.map((_, i) => -Math.floor(i / 2)),
  unknownId: 0,
  bosId: 1,
  eosId: 2,
});
const sizes = { nLayers: 1, nHeads: 2, nKvHeads: 1, headDim: 2, dModel: 4, dFf: 6, seqLen: 8 };

function fileOf(
  fields: Partial<DecoderConfigInput>,
  tokenizer: Readonly<Record<string, GgufValue>>,
  options?: GgufOptions,
): Uint8Array {
  const config = defineDecoderConfig({ ...sizes, vocabSize: pieces.length, ...fields });
  const parameters = Object.entries(decoderSpecs(config)).map(([name, { shape }]) => {
    const count = shape.reduce((product, length) => product * length, 1);
    return [name, { shape, data: Float32Array.from({ length: count }, (_, i) => Math.sin(i)) }] as const;
  });
  return writeGguf(config, new Map(parameters), tokenizer, options);
}

/** A number behind the name of a key or a tensor becomes one that lengths, types and offsets go wrong at. */
function mutateEntry(bytes: Uint8Array, random: Random): Uint8Array {
  const text = new TextDecoder('latin1').decode(bytes);
  const names = [...text.matchAll(/(?:general|llama|olmo2|tokenizer)\.[\w.]+|(?:blk\.\d+\.)?\w+\.weight/g)];
  const out = bytes.slice();
  if (names.length === 0) return out;
  const name = random.pick(names);
  const at = name.index + name[0].length + random.pick([0, 4, 8, 12, 16, 20, 24, -name[0].length - 8]);
  const width = random.pick([4, 8]);
  if (at < 0 || at + width > out.length) return out;
  const view = new DataView(out.buffer);
  const old = width === 4 ? BigInt(view.getUint32(at, true)) : view.getBigUint64(at, true);
  const extremes = [0n, 1n, 7n, 9n, 32n, 0x7fffffffn, 0xffffffffn, 1n << 40n, 1n << 53n, 1n << 63n];
  const value = random.pick([random.pick(extremes), old + 1n, old - 1n, old << 1n, BigInt(random.int(40))]);
  if (width === 4) view.setUint32(at, Number(value & 0xffffffffn), true);
  else view.setBigUint64(at, value & ((1n << 64n) - 1n), true);
  return out;
}

export const target: FuzzTarget = {
  name: 'gguf',
  async seeds() {
    const trained = trainBpe(['the cat sat on the mat'], { vocabSize: 264, specialTokens: ['<|endoftext|>'] });
    const bytePair = bytePairTokenizerMetadata(trained.toJson(), 264);
    const llama = { norm: 'pre', qkNorm: 'none' } as const;
    return [
      fileOf({ ...llama, tieEmbeddings: false }, scored),
      fileOf({}, scored, { storage: 'F16' }),
      fileOf({ ...llama, headDim: 16, dModel: 32, dFf: 32 }, scored, { storage: 'Q8_0' }),
      fileOf({ ...llama, vocabSize: 264 }, bytePair),
    ];
  },
  mutate(bytes, random) {
    let out = bytes;
    for (let left = random.int(3); left > 0; left--) out = mutateEntry(out, random);
    return out === bytes || random.chance(0.3) ? mutateBytes(out, random) : out;
  },
  async run(bytes) {
    const model = await openGguf(bytesSource(bytes, FILE)).catch((error: unknown) => {
      if (error instanceof CheckpointError && !/^fuzz\.gguf: [^\n]+$/.test(error.message))
        throw new Error(`an error must name the file in one line, got ${error.message}`);
      throw error;
    });
    let stored = 0;
    for (const [name, parameter] of model.parameters) {
      const { shape, data } = await parameter.read();
      if (shape.join() !== parameter.shape.join() || data.length !== shape.reduce((product, x) => product * x, 1))
        throw new Error(`${name} [${shape}] has ${data.length} values`);
      stored += data.length;
    }
    // Two bits and a scale are the least that a number takes.
    if (stored > 4 * bytes.length) throw new Error(`${stored} numbers come of ${bytes.length} bytes`);
    checkTokenizer(Tokenizer.fromGguf(model.metadata), false);
  },
};
