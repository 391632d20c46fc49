import type { Backend } from '../backend.ts';
import { TokenizerError } from '../errors.ts';
import type { TextOptions } from '../tokenizer.ts';
import { lastSafeCut } from './safe-cut.ts';

/** Encodes a text in parts. */
export interface EncodeStream {
  /** Takes the next part (cut anywhere, even inside a character) and returns the ids that are certain. */
  push(part: string): Int32Array;
  /** The ids of the rest. The stream is then at its end. */
  end(): Int32Array;
}

/** Text is held back until there is this much, so that short parts do not cost a search each. */
const ENOUGH = 1 << 16;

/**
 * Text may be cut before a space that follows a letter: no word of the known patterns reaches over that place, and none
 * before it looks further. Added tokens that reach over such a place, or take spaces with them, are kept whole.
 */
export function createEncodeStream(backend: Backend, options: TextOptions): EncodeStream {
  if (!backend.cutsBeforeSpaces) {
    throw new TokenizerError(
      'createEncodeStream',
      'the tokenizer must cut words before spaces (the patterns of GPT-2, cl100k, o200k and Qwen). Encode the text whole.',
    );
  }
  const mode = options.specialTokens ?? 'encode';
  const adds = options.addSpecialTokens ?? true;
  const contents = backend.addedTokens.map(({ content }) => content);
  let held = '';
  let start: readonly number[] = adds ? backend.before : [];
  const encodePart = (text: string, end: readonly number[]) => {
    const ids = backend.encodeIds(text, mode, false);
    const whole = start.length + end.length === 0 ? ids : Int32Array.of(...start, ...ids, ...end);
    start = [];
    return whole;
  };
  return {
    push(part) {
      held += part;
      if (held.length < ENOUGH) return new Int32Array(0);
      const cut = lastSafeCut(held, contents);
      if (cut === 0) return new Int32Array(0);
      const ids = encodePart(held.slice(0, cut), []);
      held = held.slice(cut);
      return ids;
    },
    end() {
      const ids = encodePart(held, adds ? backend.after : []);
      held = '';
      return ids;
    },
  };
}
