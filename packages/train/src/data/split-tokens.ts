import { DataError, unknownName } from '@modajs/tensor';
import type { HeldOutText } from '../run/evaluate-held-out.ts';
import { heldOutSides } from './held-out-sides.ts';
import { hashIntegers } from './permutation.ts';
import { type TokenRange, tokenRanges } from './token-ranges.ts';
import type { TokenSource } from './token-source.ts';

/** Held-out tokens are kept in memory: 512 MiB at most. */
const MAX_HELD_OUT_TOKENS = 1 << 27;

/** Documents that are tokens already, one behind the other. */
export interface TokenDocuments {
  readonly name: string;
  readonly source: TokenSource;
  /** Place of the first token of the first document in the source. */
  readonly start: number;
  /** Tokens of each document, with the separator that ends it. */
  readonly tokens: ArrayLike<number>;
  /** 32-bit hash of each document. */
  readonly hashes: ArrayLike<number>;
  /** UTF-8 bytes of the text of each; null when only the tokens are known. */
  readonly textBytes: ArrayLike<number> | null;
  /** Ends a document (the last one may lack it); null when nothing does. */
  readonly separator: number | null;
}

/** How a source is split. */
export interface HeldOutSplit {
  /** Held-out share of the documents or, by `end`, of the text. */
  readonly share: number;
  readonly by: 'document' | 'end';
}

/**
 * Splits tokens as `splitDocuments` and `prepareText` split and encode the text they were made from: the same documents on each side,
 * separators between them, one token of context before what is held out. An end is cut at the token that reaches over the cut.
 *
 * @param bytesOf bytes of text that a token stands for
 * @throws DataError when more is held out than fits into memory
 */
export async function splitTokens(
  documents: TokenDocuments,
  { share, by }: HeldOutSplit,
  bytesOf: (id: number) => number,
): Promise<{ train: TokenSource; heldOut: HeldOutText | null }> {
  const { name, source, separator, tokens } = documents;
  const isByDocument = isDocumentsSplit(by) && tokens.length > 1;
  const sides = isByDocument
    ? rangesBySide(documents, share)
    : cutRanges(documents, await endCut(documents, share, bytesOf));
  const trainRanges = await withoutLastSeparator(documents, sides.train);
  const train = tokenRanges(name, source, trainRanges);
  const heldOutRanges = await withoutLastSeparator(documents, sides.heldOut);
  const count = heldOutRanges.reduce((sum, { start, end }) => sum + end - start, 0);
  if (count === 0) return { train, heldOut: null };
  if (count > MAX_HELD_OUT_TOKENS) {
    throw new DataError(
      `data: ${name} must hold out at most ${MAX_HELD_OUT_TOKENS} tokens, got ${count}. Lower data.heldOut.`,
      { source: name, tokens: count },
    );
  }
  const held = new Int32Array(count + 1);
  held[0] = separator !== null && tokens.length > 1 ? separator : (await train.read(train.length - 1, 1))[0];
  held.set(await tokenRanges(name, source, heldOutRanges).read(0, count), 1);
  const bytes = isByDocument && sides.heldOutBytes !== null ? sides.heldOutBytes : textBytes(held, separator, bytesOf);
  return { train, heldOut: { name, tokens: held, bytes } };
}

function isDocumentsSplit(by: HeldOutSplit['by']): boolean {
  switch (by) {
    case 'document':
      return true;
    case 'end':
      return false;
    default:
      return unknownName('data.heldOutBy', by);
  }
}

interface Sides {
  readonly train: readonly TokenRange[];
  readonly heldOut: readonly TokenRange[];
  readonly heldOutBytes: number | null;
}

/** Neighbours of one side are one range. */
function rangesBySide({ start, tokens, hashes, textBytes: bytes }: TokenDocuments, share: number): Sides {
  const sides = heldOutSides(hashes, share);
  const ranges: [TokenRange[], TokenRange[]] = [[], []];
  let heldOutBytes = 0;
  let at = start;
  for (let i = 0; i < tokens.length; i++) {
    const side = ranges[sides[i]];
    const end = at + tokens[i];
    const last = side.at(-1);
    if (last?.end === at) side[side.length - 1] = { start: last.start, end };
    else side.push({ start: at, end });
    if (sides[i] === 1) heldOutBytes += bytes?.[i] ?? 0;
    at = end;
  }
  return { train: ranges[0], heldOut: ranges[1], heldOutBytes: bytes && heldOutBytes };
}

function cutRanges({ start, tokens }: TokenDocuments, cut: number): Sides {
  let end = start;
  for (let i = 0; i < tokens.length; i++) end += tokens[i];
  return { train: [{ start, end: cut }], heldOut: [{ start: cut, end }], heldOutBytes: null };
}

/** The first held-out token when the last `share` of the text is held out; of tokens, where the text's size is not known. */
async function endCut(documents: TokenDocuments, share: number, bytesOf: (id: number) => number): Promise<number> {
  const { source, start, tokens, textBytes: bytes } = documents;
  const sizes = bytes ?? tokens;
  let total = 0;
  for (let i = 0; i < sizes.length; i++) total += sizes[i];
  let room = share === 0 ? Infinity : Math.floor((1 - share) * total);
  let at = start;
  let document = 0;
  for (; document < sizes.length && sizes[document] <= room; document++) {
    room -= sizes[document];
    at += tokens[document];
  }
  if (document === sizes.length) return at;
  if (bytes === null) return at + room;
  for (const id of await source.read(at, tokens[document])) {
    room -= bytesOf(id);
    if (room < 0) break;
    at++;
  }
  return at;
}

/** Separators stand between documents, none after the last. */
async function withoutLastSeparator(
  { source, separator }: TokenDocuments,
  ranges: readonly TokenRange[],
): Promise<readonly TokenRange[]> {
  const last = ranges.at(-1);
  if (separator === null || last === undefined || last.end === last.start) return ranges;
  const [id] = await source.read(last.end - 1, 1);
  return id === separator ? [...ranges.slice(0, -1), { start: last.start, end: last.end - 1 }] : ranges;
}

/** Bytes of text of the tokens after the first. */
function textBytes(tokens: Int32Array, separator: number | null, bytesOf: (id: number) => number): number {
  let bytes = 0;
  for (let i = 1; i < tokens.length; i++) if (tokens[i] !== separator) bytes += bytesOf(tokens[i]);
  return bytes;
}

/**
 * The documents of tokens without an index: each ends with the separator. Their hashes are those of their tokens. One document
 * when the separator does not occur.
 */
export async function findTokenDocuments(source: TokenSource, separator: number | null): Promise<TokenDocuments> {
  const tokens: number[] = [];
  const hashes: number[] = [];
  let hash = HASH_START;
  let start = 0;
  for (let from = 0; from < source.length; from += SCAN_TOKENS) {
    const ids = await source.read(from, Math.min(SCAN_TOKENS, source.length - from));
    for (let i = 0; i < ids.length; i++) {
      if (ids[i] !== separator) {
        hash = hashIntegers(hash, ids[i]);
        continue;
      }
      const end = from + i + 1;
      tokens.push(end - start);
      hashes.push(hash);
      hash = HASH_START;
      start = end;
    }
  }
  if (start < source.length) {
    tokens.push(source.length - start);
    hashes.push(hash);
  }
  return { name: source.name, source, start: 0, tokens, hashes, textBytes: null, separator };
}

const SCAN_TOKENS = 1 << 20;
/** The hash of no tokens: files that begin with a separator have an empty document, which is trained on. */
const HASH_START = 0xffffffff;
