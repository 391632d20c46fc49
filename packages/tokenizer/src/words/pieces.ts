import { LIMITS } from '../config/limits.ts';
import { refuse } from '../config/part.ts';
import { shown } from '../errors.ts';
import { utf8Length } from '../unicode/utf8.ts';

/** The id of the token `<0xNN>` of each byte, -1 where there is none. */
export function byteTokens(ids: ReadonlyMap<string, number>): Int32Array {
  return Int32Array.from(
    { length: 256 },
    (_, byte) => ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`) ?? -1,
  );
}

/** Pieces that are searched for at every place of a text: they are short, and not too many. */
export function checkPieces(pieces: readonly string[], placeOf: (index: number) => string): void {
  let total = 0;
  for (const [index, piece] of pieces.entries()) {
    const length = utf8Length(piece);
    total += length;
    if (length > LIMITS.pieceBytes)
      refuse(placeOf(index), `must be at most ${LIMITS.pieceBytes} bytes, got ${length}: ${shown(piece)}.`);
    if (total > LIMITS.vocabularyBytes)
      refuse(placeOf(index), `must end within ${LIMITS.vocabularyBytes} bytes of pieces, got more.`);
  }
}
