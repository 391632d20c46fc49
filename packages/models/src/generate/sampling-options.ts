import { ConfigError } from '@modajs/tensor';

/** How the next token is chosen from the logits. Filters apply in this order. */
export interface SamplingOptions {
  /** Only ids below this are chosen: a tokenizer's vocabulary where the model's is larger. All by default. */
  readonly vocabSize?: number;
  /** Divides logits of tokens seen before when positive, multiplies them when negative; 1 (default) does nothing. */
  readonly repetitionPenalty?: number;
  /** Divides all logits; 1 by default, 0 takes the most probable token. */
  readonly temperature?: number;
  /** Keeps the k most probable tokens; 0 (default) keeps all. */
  readonly topK?: number;
  /** Keeps the fewest tokens whose probabilities sum to at least p; 1 (default) keeps all. */
  readonly topP?: number;
  /** Keeps tokens with at least this share of the highest probability; 0 (default) keeps all. */
  readonly minP?: number;
}

/** All options given. */
export type CompleteSampling = Required<SamplingOptions>;

/** Completes and checks sampling options. @throws ConfigError naming the option */
export function completeSampling(options: SamplingOptions): CompleteSampling {
  const { vocabSize = Infinity, repetitionPenalty = 1, temperature = 1, topK = 0, topP = 1, minP = 0 } = options;
  const require = (holds: boolean, name: keyof SamplingOptions, rule: string): void => {
    if (holds) return;
    throw new ConfigError(`generate: ${name} must be ${rule}, got ${options[name]}. Leave it out for no effect.`, {
      [name]: options[name],
    });
  };
  require(vocabSize === Infinity || (Number.isInteger(vocabSize) && vocabSize > 0), 'vocabSize', 'a whole number > 0');
  require(repetitionPenalty > 0, 'repetitionPenalty', 'a number > 0');
  require(temperature >= 0 && Number.isFinite(temperature), 'temperature', 'a number >= 0');
  require(Number.isInteger(topK) && topK >= 0, 'topK', 'a whole number >= 0');
  require(topP > 0 && topP <= 1, 'topP', 'in (0, 1]');
  require(minP >= 0 && minP <= 1, 'minP', 'in [0, 1]');
  return { vocabSize, repetitionPenalty, temperature, topK, topP, minP };
}
