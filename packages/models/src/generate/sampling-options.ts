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
  const cure = 'Leave it out for no effect.';
  const isSize = vocabSize === Infinity || isWhole(vocabSize, 1);
  requireOption(isSize, { vocabSize }, 'a whole number > 0', cure);
  const isPenalty = isNumber(repetitionPenalty) && repetitionPenalty > 0;
  requireOption(isPenalty, { repetitionPenalty }, 'a number > 0', cure);
  requireOption(isNumber(temperature) && temperature >= 0, { temperature }, 'a number >= 0', cure);
  requireOption(isWhole(topK, 0), { topK }, 'a whole number >= 0', cure);
  requireOption(isNumber(topP) && topP > 0 && topP <= 1, { topP }, 'in (0, 1]', cure);
  requireOption(isNumber(minP) && minP >= 0 && minP <= 1, { minP }, 'in [0, 1]', cure);
  return { vocabSize, repetitionPenalty, temperature, topK, topP, minP };
}

/** Whether an option is a safe integer of at least `min`. */
export function isWhole(value: unknown, min: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min;
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

/** @throws ConfigError for the option of that name when the rule does not hold */
export function requireOption(holds: boolean, option: Record<string, unknown>, rule: string, cure: string): void {
  if (holds) return;
  const [[name, value]] = Object.entries(option);
  const got = typeof value === 'number' || value === undefined ? String(value) : JSON.stringify(value);
  throw new ConfigError(`generate: ${name} must be ${rule}, got ${got}. ${cure}`, option);
}
