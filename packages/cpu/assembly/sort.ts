// Stable order of rows: a radix sort of four passes over unsigned keys in the order of the elements; short rows by insertion.
import { DTYPE_I32, DTYPE_U32 } from '../src/abi/operators';
import { scratch } from './thread';

@unmanaged
class ArgsortArguments {
  /** [rows, n], 32 bits an element. */
  x: usize;
  /** i32 [rows, n] */
  out: usize;
  /** u32 [rows, n] */
  keys: usize;
  /** i32 [rows, n] */
  other: usize;
  rows: i32;
  n: i32;
  rowsPerTile: i32;
  /** -1 for f32, else an integer dtype. */
  integerDtype: i32;
  isDescending: i32;
}

/** Up to here insertion takes fewer steps than counting to 256 four times. */
const SHORT_ROW = 32;

/** An unsigned number in the order of the element; NaN is the largest, and -0 is 0. */
function keyOf(bits: u32, integerDtype: i32): u32 {
  if (integerDtype == DTYPE_U32) return bits;
  if (integerDtype == DTYPE_I32) return bits ^ 0x80000000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return 0xffffffff;
  if (size == 0) return 0x80000000;
  return bits >= 0x80000000 ? ~bits : bits | 0x80000000;
}

function insertionSort(keys: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const key = load<u32>(keys + (i << 2));
    let place = i;
    while (place > 0) {
      const earlier = load<i32>(out + ((place - 1) << 2));
      if (load<u32>(keys + (earlier << 2)) <= key) break;
      store<i32>(out + (place << 2), earlier);
      place--;
    }
    store<i32>(out + (place << 2), i);
  }
}

/** One pass: `to` is `from` in the order of eight bits of the keys. */
function radixPass(keys: usize, from: usize, to: usize, n: i32, shift: u32): void {
  const counts = scratch();
  memory.fill(counts, 0, 1024);
  for (let i = 0; i < n; i++) {
    const digit = (load<u32>(keys + (i << 2)) >> shift) & 0xff;
    store<i32>(counts + (digit << 2), load<i32>(counts + (digit << 2)) + 1);
  }
  let sum = 0;
  for (let digit = 0; digit < 256; digit++) {
    const count = load<i32>(counts + (digit << 2));
    store<i32>(counts + (digit << 2), sum);
    sum += count;
  }
  for (let i = 0; i < n; i++) {
    const index = load<i32>(from + (i << 2));
    const digit = (load<u32>(keys + (index << 2)) >> shift) & 0xff;
    const place = load<i32>(counts + (digit << 2));
    store<i32>(counts + (digit << 2), place + 1);
    store<i32>(to + (place << 2), index);
  }
}

/** Indices that sort each row; equal elements keep their order. */
export function argsort(args: usize, tile: i32): void {
  const a = changetype<ArgsortArguments>(args);
  const last = min(a.rows, (tile + 1) * a.rowsPerTile);
  const flip: u32 = a.isDescending != 0 ? 0xffffffff : 0;
  for (let row = tile * a.rowsPerTile; row < last; row++) {
    const start = (row * a.n) << 2;
    const keys = a.keys + start, out = a.out + start, other = a.other + start;
    for (let i = 0; i < a.n; i++) store<u32>(keys + (i << 2), keyOf(load<u32>(a.x + start + (i << 2)), a.integerDtype) ^ flip);
    if (a.n <= SHORT_ROW) {
      insertionSort(keys, out, a.n);
      continue;
    }
    for (let i = 0; i < a.n; i++) store<i32>(out + (i << 2), i);
    radixPass(keys, out, other, a.n, 0);
    radixPass(keys, other, out, a.n, 8);
    radixPass(keys, out, other, a.n, 16);
    radixPass(keys, other, out, a.n, 24);
  }
}
