/** In which unit offsets count: JavaScript string positions, UTF-8 bytes, or code points as the official library has them. */
export type OffsetUnit = 'utf16' | 'byte' | 'codePoint';

/** Tokens with where they come from. All arrays have one entry a token. */
export interface Encoding {
  readonly ids: Int32Array;
  /** Start of each token in the text; 0 for tokens that are not from the text. */
  readonly starts: Int32Array;
  /** End (exclusive) of each token in the text. Tokens of one character's bytes all cover the character. */
  readonly ends: Int32Array;
  /** 1 for tokens that a post-processor or padding put in, 0 for tokens of the text. */
  readonly specialTokensMask: Uint8Array;
  /** 0 for padding, 1 for everything else. */
  readonly attentionMask: Uint8Array;
}

/** Tokens of the text alone. */
export interface RawEncoding extends Encoding {
  /** Of tokens by their index: their text where it is not that of their id (added tokens with the spaces they took, unknown ones). */
  readonly texts: ReadonlyMap<number, string>;
}

/** A growing list of tokens, with offsets (UTF-16) when tracked. */
export class EncodingBuilder {
  ids: Int32Array = new Int32Array(1024);
  starts: Int32Array;
  ends: Int32Array;
  length = 0;
  readonly isTracked: boolean;
  readonly #texts = new Map<number, string>();

  constructor(isTracked: boolean) {
    this.isTracked = isTracked;
    this.starts = new Int32Array(isTracked ? 1024 : 0);
    this.ends = new Int32Array(isTracked ? 1024 : 0);
  }

  /** Makes room for `by` more tokens. */
  grow(by: number): void {
    const capacity = Math.max(this.ids.length * 2, this.length + by);
    this.ids = resized(this.ids, capacity);
    if (!this.isTracked) return;
    this.starts = resized(this.starts, capacity);
    this.ends = resized(this.ends, capacity);
  }

  push(id: number, start: number, end: number): void {
    if (this.length === this.ids.length) this.grow(1);
    this.ids[this.length] = id;
    if (this.isTracked) {
      this.starts[this.length] = start;
      this.ends[this.length] = end;
    }
    this.length++;
  }

  /** As `push`, for a token whose text is not that of its id. */
  pushText(id: number, start: number, end: number, text: string): void {
    if (this.isTracked) this.#texts.set(this.length, text);
    this.push(id, start, end);
  }

  /** The tokens so far, as an array of its own. */
  takeIds(): Int32Array {
    return this.ids.slice(0, this.length);
  }

  takeEncoding(): RawEncoding {
    return {
      ids: this.takeIds(),
      starts: this.starts.slice(0, this.length),
      ends: this.ends.slice(0, this.length),
      specialTokensMask: new Uint8Array(this.length),
      attentionMask: new Uint8Array(this.length).fill(1),
      texts: this.#texts,
    };
  }
}

function resized(array: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length);
  larger.set(array);
  return larger;
}

/** An encoding whose offsets, given in UTF-16, count in `unit`. */
export function withOffsetUnit(encoding: Encoding, text: string, unit: OffsetUnit): Encoding {
  if (unit === 'utf16') return encoding;
  const positions = unitPositions(text, unit);
  return {
    ...encoding,
    starts: encoding.starts.map((at) => positions[at] as number),
    ends: encoding.ends.map((at) => positions[at] as number),
  };
}

/** For each UTF-16 position of `text`, its end included, the position in bytes or code points. */
function unitPositions(text: string, unit: 'byte' | 'codePoint'): Int32Array {
  const positions = new Int32Array(text.length + 1);
  let position = 0;
  for (let i = 0; i < text.length; ) {
    const codePoint = text.codePointAt(i) as number;
    const width = codePoint > 0xffff ? 2 : 1;
    positions.fill(position, i, i + width);
    position += unit === 'codePoint' ? 1 : codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : width === 2 ? 4 : 3;
    i += width;
  }
  positions[text.length] = position;
  return positions;
}
