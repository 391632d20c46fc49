import { DataError } from '@modajs/tensor';
import type { CompleteSampling } from './sampling-options.ts';

/** A chosen token and its log-probability under the unfiltered model at temperature 1. */
export interface SampledToken {
  readonly id: number;
  readonly logProb: number;
}

/**
 * Chooses a token from one row of logits.
 *
 * @param logits `[V]`
 * @param seen ids that the repetition penalty weakens
 * @param uniform a random number in [0, 1)
 * @throws DataError when a logit is NaN
 */
export function sampleToken(
  logits: ArrayLike<number>,
  seen: Iterable<number>,
  uniform: number,
  options: CompleteSampling,
): SampledToken {
  const scores = Float64Array.from(logits);
  const logSum = logSumExp(scores);
  requireNumbers(logSum);
  scores.fill(-Infinity, options.vocabSize);
  penalize(scores, new Set(seen), options.repetitionPenalty);
  const id = options.temperature === 0 ? indexOfMax(scores) : draw(scores, uniform, options);
  return { id, logProb: logits[id] - logSum };
}

/** @throws DataError when a sum over the logits is NaN */
export function requireNumbers(sum: number): void {
  if (Number.isNaN(sum)) {
    throw new DataError('generate: logits must be numbers, got NaN. Are the weights of this model finite?');
  }
}

function logSumExp(scores: Float64Array): number {
  let largest = -Infinity;
  for (const score of scores) if (!(score <= largest)) largest = score;
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - largest);
  return largest + Math.log(sum);
}

/** Reference: Keskar et al., "CTRL", arXiv 1909.05858; Hugging Face's sign convention. */
function penalize(scores: Float64Array, seen: ReadonlySet<number>, penalty: number): void {
  if (penalty === 1) return;
  for (const id of seen) scores[id] = scores[id] > 0 ? scores[id] / penalty : scores[id] * penalty;
}

function indexOfMax(scores: Float64Array): number {
  let best = 0;
  for (let id = 1; id < scores.length; id++) if (scores[id] > scores[best]) best = id;
  return best;
}

/** The lightest weight that stays, and how many of exactly that weight do (the lowest ids first). */
interface Cut {
  readonly weight: number;
  readonly ties: number;
  /** Sum of the weights that stay. */
  readonly mass: number;
}

/** Draws an id by the renormalised probabilities of what the filters leave, ids ascending. */
function draw(scores: Float64Array, uniform: number, options: CompleteSampling): number {
  const largest = scores[indexOfMax(scores)];
  const weights = scores.map((score) => Math.exp((score - largest) / options.temperature));
  const { weight: lightest, ties, mass } = cutOf(weights, options);
  let rest = uniform * mass;
  let left = ties;
  let last = 0;
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id];
    if (weight === 0 || weight < lightest || (weight === lightest && left-- <= 0)) continue;
    rest -= weight;
    last = id;
    if (rest < 0) return id;
  }
  return last;
}

/** Top-k, then top-p among those, then min-p; the heaviest weight, which is 1, always stays. */
function cutOf(weights: Float64Array, { topK, topP, minP }: CompleteSampling): Cut {
  const sorted = weights.slice().sort();
  const last = sorted.length - 1;
  const limit = topK > 0 ? Math.min(topK, sorted.length) : sorted.length;
  let total = 0;
  for (let i = 0; i < limit; i++) total += sorted[last - i];
  let mass = 0;
  let kept = 0;
  while (kept < limit && (kept === 0 || (mass < topP * total && sorted[last - kept] >= minP))) {
    mass += sorted[last - kept];
    kept++;
  }
  const weight = sorted[last - kept + 1];
  let ties = 0;
  while (ties < kept && sorted[last - kept + 1 + ties] === weight) ties++;
  return { weight, ties, mass };
}
