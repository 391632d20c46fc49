import { alphabetToBytes } from '../bpe/byte-alphabet.ts';
import type { Part } from '../config/part.ts';
import { findMatches, type TextPattern, textPattern } from '../split/text-pattern.ts';
import { joinFallbackBytes } from './byte-fallback.ts';
import { chained, ofPieces, ofTokens, ofWholeText, type Step } from './stage.ts';
import { stripStep } from './strip.ts';

const KNOWN = 'ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace, BPEDecoder, WordPiece, CTC or Sequence';

/**
 * The decoder of a `tokenizer.json`.
 *
 * @param isJoined whether a step before has joined the tokens
 * @throws {TokenizerError} a type this package does not implement, a field of another type
 */
export function compileDecoder(part: Part, isJoined = false): Step {
  switch (part.type) {
    case 'ByteLevel':
      return isJoined ? ofWholeText((text) => utf8().decode(alphabetToBytes(text))) : joinBytes;
    case 'Sequence': {
      const steps: Step[] = [];
      for (const inner of part.parts('decoders'))
        steps.push(compileDecoder(inner, isJoined || steps.some(({ joins }) => joins)));
      return chained(steps);
    }
    case 'ByteFallback':
      return joinFallbackBytes(isJoined);
    case 'Fuse':
      return { ...ofPieces(isJoined, (piece) => piece), joins: true };
    case 'Strip':
      return stripStep(part, isJoined);
    case 'Replace':
      return replaceStep(textPattern(part), part.inserted('content'), isJoined);
    case 'Metaspace':
      return metaspace(part, isJoined);
    case 'BPEDecoder':
      return suffixes(part.text('suffix', '</w>'), isJoined);
    case 'WordPiece':
      return wordPieces(part.text('prefix', '##'), part.flag('cleanup', true), isJoined);
    case 'CTC':
      return ctc(part, isJoined);
    default:
      return part.refuseType(KNOWN);
  }
}

const utf8 = () => new TextDecoder('utf-8', { ignoreBOM: true });

/** Tokens in the byte alphabet as the text of their bytes. */
const joinBytes: Step = {
  joins: true,
  open(out) {
    let decoder = utf8();
    return {
      push: (token) => out(decoder.decode(alphabetToBytes(token), { stream: true })),
      end() {
        out(decoder.decode());
        decoder = utf8();
      },
    };
  },
};

function replaceStep(pattern: TextPattern, content: string, isJoined: boolean): Step {
  const isCharacter = pattern.literal !== undefined && [...pattern.literal].length === 1;
  const replaced = (token: string) => {
    let text = '';
    let done = 0;
    for (const [start, end] of findMatches(pattern, token)) {
      text += token.slice(done, start) + content;
      done = end;
    }
    return text + token.slice(done);
  };
  return isCharacter ? ofPieces(isJoined, replaced) : ofTokens(isJoined, replaced);
}

function metaspace(part: Part, isJoined: boolean): Step {
  const replacement = part.character('replacement', '▁');
  const scheme = part.choice(
    'prepend_scheme',
    ['always', 'first', 'never'],
    part.flag('add_prefix_space', true) ? 'always' : 'never',
  );
  // Of the first token all marks go, as in the official library.
  return ofPieces(isJoined, (piece, index) =>
    piece.replaceAll(replacement, index === 0 && scheme !== 'never' ? '' : ' '),
  );
}

/** Suffixes become spaces, except of the last token. */
function suffixes(suffix: string, isJoined: boolean): Step {
  const without = (token: string, space: string) => replacedAll(token, suffix, space);
  if (isJoined) return ofWholeText((text) => without(text, ''));
  return {
    joins: false,
    open(out) {
      let held: string | undefined;
      return {
        push(token) {
          if (held !== undefined) out(without(held, ' '));
          held = token;
        },
        end() {
          if (held !== undefined) out(without(held, ''));
          held = undefined;
        },
      };
    },
  };
}

const CLEANUPS: readonly (readonly [string, string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** English as it is written: no spaces before punctuation and contractions. */
const cleaned = (text: string): string => CLEANUPS.reduce((current, [from, to]) => current.replaceAll(from, to), text);

function wordPieces(prefix: string, cleans: boolean, isJoined: boolean): Step {
  return ofTokens(isJoined, (token, index) => {
    const spaced = index === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
    return cleans ? cleaned(spaced) : spaced;
  });
}

/** Connectionist temporal classification: a token counts once however often it is repeated, padding is silence. */
function ctc(part: Part, isJoined: boolean): Step {
  const padding = part.text('pad_token', '<pad>');
  const delimiter = part.text('word_delimiter_token', '|');
  const cleans = part.flag('cleanup', true);
  const image = (token: string) => {
    const sounded = replacedAll(token, padding, '');
    return (cleans ? replacedAll(cleaned(sounded), delimiter, ' ') : sounded) || undefined;
  };
  const images = ofTokens(isJoined, image);
  if (isJoined) return images;
  return {
    joins: false,
    open(out) {
      const stage = images.open(out);
      let last: string | undefined;
      return {
        push(token) {
          if (token !== last) stage.push(token);
          last = token;
        },
        end() {
          last = undefined;
          stage.end();
        },
      };
    },
  };
}

/** Rust's `replace`: what is empty is found between all characters, not between the halves of a pair. */
const replacedAll = (text: string, found: string, written: string): string =>
  found === ''
    ? written + [...text].map((character) => character + written).join('')
    : text.replaceAll(found, () => written);
