import { type Piece, slicePiece } from '../normalize/piece.ts';

/** What becomes of the matches of a Split. */
export const SPLIT_BEHAVIOURS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
export type SplitBehaviour = (typeof SPLIT_BEHAVIOURS)[number];

/**
 * Cuts a piece at the given matches (in order, not overlapping). For `the-final--countdown` cut at `-`:
 * Removed `the final countdown`, Isolated `the - final - - countdown`, MergedWithPrevious `the- final- - countdown`,
 * MergedWithNext `the -final - -countdown`, Contiguous `the - final -- countdown`. `invert` swaps matches and the rest.
 */
export function splitPiece(
  piece: Piece,
  matches: readonly (readonly [number, number])[],
  behaviour: SplitBehaviour,
  invert: boolean,
): Piece[] {
  const spans: { start: number; end: number; isMatch: boolean }[] = [];
  let done = 0;
  for (const [start, end] of matches) {
    if (start > done) spans.push({ start: done, end: start, isMatch: invert });
    spans.push({ start, end, isMatch: !invert });
    done = end;
  }
  if (done < piece.text.length) spans.push({ start: done, end: piece.text.length, isMatch: invert });
  return join(spans, behaviour).map(({ start, end }) => slicePiece(piece, start, end));
}

type Span = { start: number; end: number; isMatch: boolean };

function join(spans: readonly Span[], behaviour: SplitBehaviour): Span[] {
  if (behaviour === 'Isolated') return [...spans];
  if (behaviour === 'Removed') return spans.filter((span) => !span.isMatch);
  const joined: Span[] = [];
  let previousIsMatch = false;
  if (behaviour === 'MergedWithNext') {
    for (const span of [...spans].reverse()) {
      const next = joined.at(-1);
      if (span.isMatch && !previousIsMatch && next) next.start = span.start;
      else joined.push({ ...span });
      previousIsMatch = span.isMatch;
    }
    return joined.reverse();
  }
  for (const span of spans) {
    const before = joined.at(-1);
    const joins = behaviour === 'Contiguous' ? span.isMatch === previousIsMatch : span.isMatch && !previousIsMatch;
    if (joins && before) before.end = span.end;
    else joined.push({ ...span });
    previousIsMatch = span.isMatch;
  }
  return joined;
}
