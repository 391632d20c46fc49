import { type GgufStorage, type GgufValue, jsonTokenizerMetadata, verifyGguf, writeGguf } from '@modajs/models';
import { CheckpointError, ConfigError } from '@modajs/tensor';
import { Tokenizer } from '@modajs/tokenizer';
import type { ExportedModel } from './hugging-face-files.ts';

/** Texts that a tokenizer must cut alike before and after: words, spaces, numbers, other scripts, bytes. */
const PROBES = [
  'Once upon a time, there were 3 cats.',
  ' two  spaces',
  'naïve café — “Über” 東京 🦊',
  'x = [1, 22, 333];\n\ty',
];

/**
 * A GGUF file of a model, read back and compared: configuration, numbers, and the ids of a few texts.
 *
 * @throws ConfigError for an architecture without a GGUF form; CheckpointError for what would not come back
 */
export async function ggufBytes(model: ExportedModel, storage: GgufStorage): Promise<Uint8Array> {
  const { config, text, values } = model;
  const { begin, end } = text.special;
  if (end.length === 0) {
    throw new ConfigError(
      `export: ${model.name} must have a token that ends a text, got none. Export a Hugging Face folder.`,
    );
  }
  const ids = { bosId: begin ?? end[0], eosId: end[0] };
  const tokens = jsonTokenizerMetadata(text.tokenizerJson, config.vocabSize, ids);
  const metadata: Record<string, GgufValue> = { ...tokens };
  if (text.chat !== null) metadata['tokenizer.chat_template'] = { type: 'string', value: text.chat.template };
  const file = writeGguf(config, values, metadata, { storage });
  await verifyGguf(file, config, values, storage);
  const back = Tokenizer.fromGguf(new Map(Object.entries(metadata).map(([key, { value }]) => [key, value])));
  for (const probe of PROBES) {
    const [given, read] = [text.tokenizer.encode(probe), back.encode(probe)];
    if (given.join() === read.join()) continue;
    throw new CheckpointError(
      `export: the tokenizer must cut ${JSON.stringify(probe)} into ${given.join(' ')}, got ${read.join(' ')}. A GGUF file cannot say it: export a Hugging Face folder.`,
    );
  }
  return file;
}
