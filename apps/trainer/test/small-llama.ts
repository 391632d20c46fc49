import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createDecoder,
  type DecoderConfig,
  defineDecoderConfig,
  type GgufStorage,
  hostParameters,
  scoredTokenizerMetadata,
  writeGguf,
  writeHuggingFace,
} from '@modajs/models';
import { saveModelFolder } from '@modajs/models/node';
import { init } from '@modajs/tensor';
import { Tokenizer } from '@modajs/tokenizer';

/** Unknown, start, end, 256 bytes, a space and five letters. */
const pieces = [
  ...['<unk>', '<s>', '</s>'],
  ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`),
  ...' abcde',
];

/** The configuration of a small Llama whose tokens are these pieces. */
export const smallLlamaConfig = (nLayers: number): DecoderConfig =>
  defineDecoderConfig({
    nLayers,
    nHeads: 4,
    nKvHeads: 2,
    dModel: 32,
    dFf: 64,
    vocabSize: pieces.length,
    seqLen: 64,
    norm: 'pre',
    normEps: 1e-5,
    qkNorm: 'none',
    ropeTheta: 10_000,
  });

/** Its tokenizer, as a GGUF file has it. */
export const smallLlamaTokenizer = (): ReturnType<typeof scoredTokenizerMetadata> =>
  scoredTokenizerMetadata({ pieces, scores: pieces.map((_, i) => -i), unknownId: 0, bosId: 1, eosId: 2 });

/** What was written of a small model with random weights. */
export interface SmallLlama {
  /** Of the Hugging Face folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly gguf: Uint8Array;
}

/** A Llama with random weights and a tokenizer of letters and bytes: the folder `<name>`, and `<name>.gguf` in `storage`, below `cwd`. */
export async function writeSmallLlama(
  cwd: string,
  name: string,
  seed: number,
  storage: GgufStorage = 'F32',
): Promise<SmallLlama> {
  const device = await init({ device: 'cpu', threads: 1 });
  const config = smallLlamaConfig(3);
  const parameters = await hostParameters(createDecoder(config, { device, seed }));
  device.destroy();
  const metadata = smallLlamaTokenizer();
  const gguf = writeGguf(config, parameters, metadata, { storage });
  await writeFile(join(cwd, `${name}.gguf`), gguf);
  const tokenizer = Tokenizer.fromGguf(new Map(Object.entries(metadata).map(([key, { value }]) => [key, value])));
  const encoder = new TextEncoder();
  const files = new Map(await writeHuggingFace(config, parameters));
  const json = JSON.parse(new TextDecoder().decode(files.get('config.json')));
  files.set('config.json', encoder.encode(JSON.stringify({ ...json, bos_token_id: 1, eos_token_id: [2] })));
  files.set('tokenizer.json', encoder.encode(tokenizer.toJson()));
  await saveModelFolder(join(cwd, name), files);
  return { files, gguf };
}
