import { type Piece, slicePiece, unitsAt } from '../normalize/piece.ts';
import { SCRIPT_RUNS } from '../unicode/script-runs.ts';

let table: Uint8Array | undefined;

/** The number of each code point's script, unpacked at first use (1.1 MB). */
function scripts(): Uint8Array {
  if (table) return table;
  const unpacked = new Uint8Array(0x110000);
  let codePoint = 0;
  for (const run of SCRIPT_RUNS.split(' ')) {
    const [script, length] = run.split(':').map((digits) => Number.parseInt(digits, 36)) as [number, number];
    unpacked.fill(script, codePoint, codePoint + length);
    codePoint += length;
  }
  table = unpacked;
  return unpacked;
}

/**
 * Cuts where the script changes (UnicodeScripts). Spaces and characters without a script belong to what is before them, those at
 * the start to nothing; Hiragana and Katakana count as Han.
 */
export function splitByScript(piece: Piece): Piece[] {
  const known = scripts();
  const cuts: number[] = [];
  let last = 0;
  for (let at = 0; at < piece.text.length; at += unitsAt(piece.text, at)) {
    const script = known[piece.text.codePointAt(at) as number] as number;
    if (script !== 0 && script !== last) cuts.push(at);
    if (script !== 0) last = script;
  }
  return cuts.map((start, index) => slicePiece(piece, start, cuts[index + 1] ?? piece.text.length));
}
