// Rows by index, and the sums that are its adjoint. Embedding is the case R = 1.
import { rowAddScaled } from './rows';

@unmanaged
class GatherArguments {
  /** [R, N, I]; in the adjoint dOut [R, J, I]. */
  x: usize;
  /** i32 [J] */
  index: usize;
  /** [R, J, I]; in the adjoint dx [R, N, I], f32. */
  out: usize;
  R: i32;
  N: i32;
  J: i32;
  I: i32;
  elementBytes: i32;
  rowsPerTile: i32;
  /** Bits of one element that a row outside 0..N-1 gets. */
  missing: i32;
  /** Adjoint: elements of I that one tile owns. */
  columnsPerTile: i32;
  /** Adjoint: 32-bit integers, whose sums wrap. */
  isInteger: i32;
}

function fillMissing(out: usize, n: i32, elementBytes: i32, bits: i32): void {
  for (let i = 0; i < n; i++) {
    if (elementBytes == 2) store<u16>(out + (i << 1), bits);
    else store<i32>(out + (i << 2), bits);
  }
}

/** One tile: `rowsPerTile` of the R * J result rows. */
export function gather(args: usize, tile: i32): void {
  const a = changetype<GatherArguments>(args);
  const rowBytes = a.I * a.elementBytes;
  const last = min(a.R * a.J, (tile + 1) * a.rowsPerTile);
  for (let row = tile * a.rowsPerTile; row < last; row++) {
    const r = row / a.J;
    const from = load<i32>(a.index + ((row - r * a.J) << 2));
    const out = a.out + row * rowBytes;
    if (from < 0 || from >= a.N) fillMissing(out, a.I, a.elementBytes, a.missing);
    else if (rowBytes == 4) store<i32>(out, load<i32>(a.x + ((r * a.N + from) << 2)));
    else memory.copy(out, a.x + (r * a.N + from) * rowBytes, rowBytes);
  }
}

function rowAddIntegers(sums: usize, x: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<i32>(sums + (i << 2), load<i32>(sums + (i << 2)) + load<i32>(x + (i << 2)));
}

/** One tile owns columns of dx for one r, and adds rows in ascending order; indices outside 0..N-1 are skipped. */
export function gatherBackward(args: usize, tile: i32): void {
  const a = changetype<GatherArguments>(args);
  const tilesPerR = (a.I + a.columnsPerTile - 1) / a.columnsPerTile;
  const r = tile / tilesPerR;
  const column = (tile - r * tilesPerR) * a.columnsPerTile;
  const n = min(a.columnsPerTile, a.I - column);
  const dx = a.out + ((r * a.N * a.I + column) << 2);
  for (let row = 0; row < a.N; row++) memory.fill(dx + ((row * a.I) << 2), 0, n << 2);
  const dOut = a.x + ((r * a.J * a.I + column) << 2);
  for (let j = 0; j < a.J; j++) {
    const to = load<i32>(a.index + (j << 2));
    if (to < 0 || to >= a.N) continue;
    const sums = dx + ((to * a.I) << 2), row = dOut + ((j * a.I) << 2);
    if (a.isInteger != 0) rowAddIntegers(sums, row, n);
    else rowAddScaled(sums, row, 1, n);
  }
}
