/**
 * Text on its way to tokens, which may remember where it came from: unit `i` of `text` (UTF-16) stands for
 * `[starts[i], ends[i])` of the caller's text. `origin` is null when nobody asked for offsets.
 */
export interface Piece {
  readonly text: string;
  readonly origin: Origin | null;
}

export interface Origin {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Where the piece was cut from the caller's text: what is put before its first character has no other place. */
  readonly base: number;
}

/** `text[start, end)` as it stands in the caller's text. Both units of a surrogate pair cover the pair. */
export function originalPiece(text: string, start: number, end: number, isTracked: boolean): Piece {
  const part = start === 0 && end === text.length ? text : text.slice(start, end);
  if (!isTracked) return { text: part, origin: null };
  const starts = new Int32Array(part.length);
  const ends = new Int32Array(part.length);
  for (let i = 0; i < part.length; ) {
    const width = (part.codePointAt(i) as number) > 0xffff ? 2 : 1;
    for (let unit = i; unit < i + width; unit++) {
      starts[unit] = start + i;
      ends[unit] = start + i + width;
    }
    i += width;
  }
  return { text: part, origin: { starts, ends, base: start } };
}

/** `piece.text[start, end)`, not empty, as a piece cut from the caller's text where it comes from. */
export function slicePiece(piece: Piece, start: number, end: number): Piece {
  const { origin } = piece;
  const isWhole = start === 0 && end === piece.text.length;
  if (isWhole && !origin) return piece;
  return {
    text: isWhole ? piece.text : piece.text.slice(start, end),
    origin: origin && {
      starts: origin.starts.subarray(start, end),
      ends: origin.ends.subarray(start, end),
      base: origin.starts[start] ?? origin.base,
    },
  };
}

/** Where `piece.text[start, end)`, not empty, comes from. */
export function originOf({ origin }: Piece, start: number, end: number): readonly [number, number] {
  return origin ? [origin.starts[start] as number, origin.ends[end - 1] as number] : [0, 0];
}

/**
 * Builds a changed piece. Each output character either replaces input characters (it then stands for the first of them, and
 * the cursor moves on) or is inserted (it stands for the input character before the cursor), as in the official library.
 */
export class PieceBuilder {
  readonly #from: Piece;
  #at = 0;
  #text = '';
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(from: Piece) {
    this.#from = from;
  }

  /** Drops input up to `to`. */
  skipTo(to: number): void {
    this.#at = to;
  }

  /** Keeps input up to `to` as it is. */
  keepTo(to: number): void {
    const { text, origin } = this.#from;
    this.#text += text.slice(this.#at, to);
    if (origin) {
      for (let i = this.#at; i < to; i++) {
        this.#starts.push(origin.starts[i] as number);
        this.#ends.push(origin.ends[i] as number);
      }
    }
    this.#at = to;
  }

  /** Writes `character` in place of the input up to `to`. */
  replaceTo(to: number, character: string): void {
    this.#write(character, this.#at);
    this.#at = to;
  }

  /** Writes `character` without using up input. */
  insert(character: string): void {
    this.#write(character, this.#at - 1);
  }

  /** The result; the rest of the input is dropped. */
  build(): Piece {
    const { origin } = this.#from;
    return {
      text: this.#text,
      origin: origin && {
        starts: Int32Array.from(this.#starts),
        ends: Int32Array.from(this.#ends),
        base: origin.base,
      },
    };
  }

  #write(character: string, source: number): void {
    this.#text += character;
    const { origin } = this.#from;
    if (!origin) return;
    for (let unit = 0; unit < character.length; unit++) {
      this.#starts.push(source < 0 ? origin.base : (origin.starts[source] as number));
      this.#ends.push(source < 0 ? origin.base : (origin.ends[source] as number));
    }
  }
}

/**
 * Puts `prefix` before a piece that is not empty; the prefix stands for the piece's first character. As in the official library, an
 * empty prefix leaves that character without a place.
 */
export function prependToPiece(piece: Piece, prefix: string): Piece {
  if (piece.text === '') return piece;
  const { origin } = piece;
  if (!origin) return { text: prefix + piece.text, origin };
  if (prefix === '') {
    const [starts, ends] = [origin.starts.slice(), origin.ends.slice()];
    starts.fill(origin.base, 0, unitsAt(piece.text, 0));
    ends.fill(origin.base, 0, unitsAt(piece.text, 0));
    return { text: piece.text, origin: { starts, ends, base: origin.base } };
  }
  const starts = new Int32Array(prefix.length + piece.text.length).fill(origin.starts[0] as number);
  const ends = new Int32Array(starts.length).fill(origin.ends[0] as number);
  starts.set(origin.starts, prefix.length);
  ends.set(origin.ends, prefix.length);
  return { text: prefix + piece.text, origin: { starts, ends, base: origin.base } };
}

/** The width in UTF-16 units of the character at `at`. */
export const unitsAt = (text: string, at: number): number => ((text.codePointAt(at) as number) > 0xffff ? 2 : 1);
