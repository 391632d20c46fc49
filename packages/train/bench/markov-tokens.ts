import { hashIntegers } from '../src/data/permutation.ts';

/** Successors that a context of two tokens has. */
const SUCCESSORS = 4;

/**
 * Text-like tokens to train on where no text is at hand: the next token is one of four that follow from the last two by a
 * hash, the first of them half of the time. Frequencies are skewed as in language (low ids are common).
 */
export function markovTokens(length: number, vocabSize: number, seed: number): Int32Array {
  const tokens = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    const draw = hashIntegers(seed, 1, i);
    const choice = Math.min(SUCCESSORS - 1, Math.clz32(draw));
    // The context forgets most of the token before last, so that contexts repeat often enough to be learnt.
    const context = i < 2 ? 0 : hashIntegers(tokens[i - 1], tokens[i - 2] % 4);
    const u = hashIntegers(seed, context, choice) / 2 ** 32;
    tokens[i] = Math.floor(vocabSize ** u) - 1;
  }
  return tokens;
}
