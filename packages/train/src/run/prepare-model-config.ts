import {
  type DecoderConfig,
  type DecoderConfigInput,
  defineDecoderConfig,
  nestDepth,
  preset as zooPreset,
} from '@modajs/models';
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
  const base: Partial<DecoderConfig> = preset === undefined ? {} : zooPreset(preset);
  const spare = (base.vocabSize ?? 0) - tokenizerVocabSize;
  const takesZoo = base.vocabSize !== undefined && spare >= 0 && (!isGiven || spare < PADDING);
  const vocabSize = takesZoo ? base.vocabSize : tokenizerVocabSize;
  const model = defineDecoderConfig(overlaidFields({ ...base, vocabSize }, given) as unknown as DecoderConfigInput);
  if (model.vocabSize >= tokenizerVocabSize) return model;
  throw new ConfigError(
    `config: model.vocabSize must be at least the tokenizer's ${tokenizerVocabSize}, got ${model.vocabSize}. ` +
      'Leave it out or choose a smaller tokenizer.',
    { vocabSize: model.vocabSize, tokenizerVocabSize },
  );
}

/**
 * A model's fields with others laid over them: depth options over those of the same mechanism, over none where another one is asked
 * for. Depth options in their earlier, flat form have that of today.
 */
export function overlaidFields(
  model: Partial<DecoderConfig>,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> & { readonly depth?: unknown } {
  const { depth, ...fields } = nestDepth(given, model.depth?.kind);
  return { ...model, ...fields, depth: overlaidDepth(model.depth, depth) };
}

function overlaidDepth(model: DecoderConfig['depth'] | undefined, given: unknown): unknown {
  if (model === undefined || given === undefined) return given === undefined ? model : given;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const { kind = model.kind } = given as { readonly kind?: unknown };
  return kind === model.kind ? { ...model, ...given } : given;
}
