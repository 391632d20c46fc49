import { type DecoderConfig, familyOf, type HostParameter, writeHuggingFace } from '@modajs/models';
import type { ModelText } from '../model/model-source.ts';
import { modelCard } from './model-card.ts';

/** A model to be written, and what is known of it. */
export interface ExportedModel {
  readonly name: string;
  readonly config: DecoderConfig;
  readonly text: ModelText;
  readonly values: ReadonlyMap<string, HostParameter>;
  /** What it was trained from; null for random weights, or unknown. */
  readonly origin: string | null;
}

const json = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/**
 * The files of a Hugging Face folder: weights and configuration (read back and compared), tokenizer, defaults of generation, and a
 * model card.
 */
export async function huggingFaceFiles(
  model: ExportedModel,
  dtype: 'F32' | 'F16',
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { config, values, text } = model;
  const { begin, end } = text.special;
  const ids = { bos_token_id: begin ?? end.at(0) ?? null, eos_token_id: end.length === 1 ? end[0] : [...end] };
  const files = new Map(await writeHuggingFace(config, values, { dtype }));
  const written = JSON.parse(new TextDecoder().decode(files.get('config.json')));
  files.set('config.json', json({ ...written, ...ids }));
  files.set('tokenizer.json', new TextEncoder().encode(text.tokenizerJson));
  const tokenOf = (id: number | null | undefined): string | null =>
    id == null ? null : (text.tokenizer.tokenOf(id) ?? null);
  files.set(
    'tokenizer_config.json',
    json({
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: tokenOf(ids.bos_token_id),
      eos_token: tokenOf(end.at(0)),
      model_max_length: config.seqLen,
      clean_up_tokenization_spaces: false,
      ...(text.chat === null ? {} : { ...text.chat.tokens, chat_template: text.chat.template }),
    }),
  );
  files.set('generation_config.json', json({ ...ids, do_sample: true }));
  files.set('README.md', new TextEncoder().encode(modelCard(model, familyOf(config))));
  return files;
}
