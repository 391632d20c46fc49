import type { Step } from './stage.ts';

/**
 * Decodes tokens one at a time. `push` returns the text that is certain so far, often '' in the middle of a character:
 * a character is never split, and the pieces joined are what `decode` gives for all ids.
 */
export interface DecodeStream {
  push(id: number): string;
  /** The rest: bytes that never became a character are U+FFFD. The stream then starts anew. */
  end(): string;
}

/** A stream over tokens that are bytes. */
export function byteDecodeStream(bytesOf: (id: number) => Uint8Array): DecodeStream {
  let decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    push: (id) => decoder.decode(bytesOf(id), { stream: true }),
    end: () => {
      const rest = decoder.decode();
      decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      return rest;
    },
  };
}

/**
 * A stream over the steps of a decoder.
 *
 * @param tokenOf the token of an id; undefined for one that is left out
 */
export function stepDecodeStream(step: Step, tokenOf: (id: number) => string | undefined): DecodeStream {
  let written = '';
  const stage = step.open((piece) => {
    written += piece;
  });
  const taken = () => {
    const text = written;
    written = '';
    return text;
  };
  return {
    push: (id) => {
      const token = tokenOf(id);
      if (token !== undefined) stage.push(token);
      return taken();
    },
    end: () => {
      stage.end();
      return taken();
    },
  };
}
