import { type DecoderConfig, type DecoderConfigInput, defineDecoderConfig, preset as zooPreset } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import type { RunConfig } from '../config/run-config.ts';

/** Rows of a model of the zoo beyond its tokenizer's tokens that are there for alignment: GPT-2's 50,257 in 50,304. */
const PADDING = 128;

/** What a run knows about its tokenizer. */
export interface TokenizerFacts {
  /** It was made elsewhere, with the tokens of shards or for another model: no row of the zoo's vocabulary waits for it. */
  readonly isGiven?: boolean;
}

/**
 * The decoder configuration of a run: its `model` section on top of the model of the zoo that `model.preset` names. When the
 * section names no vocabulary it is the zoo's, or the tokenizer's where that is larger; with a tokenizer that was given, the
 * tokenizer's, unless the zoo's is the same padded by less than 128 rows.
 *
 * @throws ConfigError from `defineDecoderConfig`, and for a vocabulary smaller than the tokenizer's
 */
export function prepareModelConfig(
  config: RunConfig,
  tokenizerVocabSize: number,
  { isGiven = false }: TokenizerFacts = {},
): DecoderConfig {
  if (config.from !== null) {
    throw new ConfigError(`config: from must be left out here, got ${config.from}. moda train starts from models.`);
  }
  const { preset, ...given } = config.model as Partial<DecoderConfigInput> & { readonly preset?: unknown };
  if (preset !== undefined && typeof preset !== 'string') {
    throw new ConfigError(
      `config: model.preset must be the name of a model, got ${JSON.stringify(preset)}. Leave it out, or use tiny.`,
      { preset },
    );
  }
  const base = preset === undefined ? {} : withoutOtherDepth(zooPreset(preset), given.depth);
  const spare = (base.vocabSize ?? 0) - tokenizerVocabSize;
  const takesZoo = base.vocabSize !== undefined && spare >= 0 && (!isGiven || spare < PADDING);
  const vocabSize = takesZoo ? base.vocabSize : tokenizerVocabSize;
  const model = defineDecoderConfig({ ...base, vocabSize, ...given } as DecoderConfigInput);
  if (model.vocabSize >= tokenizerVocabSize) return model;
  throw new ConfigError(
    `config: model.vocabSize must be at least the tokenizer's ${tokenizerVocabSize}, got ${model.vocabSize}. ` +
      'Leave it out or choose a smaller tokenizer.',
    { vocabSize: model.vocabSize, tokenizerVocabSize },
  );
}

/** A model's fields; when another depth mechanism is asked for, without the options of its own. */
export function withoutOtherDepth(
  model: DecoderConfig,
  depth: DecoderConfig['depth'] | undefined,
): Partial<DecoderConfig> {
  if (depth === undefined || depth === model.depth) return model;
  return Object.fromEntries(Object.entries(model).filter(([key]) => !key.startsWith('depth')));
}
