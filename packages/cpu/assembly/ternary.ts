// Elementwise operators of three arguments.
import { TERNARY_MULTIPLY_ADD, TERNARY_SWIGLU_GRAD_GATE, TERNARY_WHERE } from '../src/generated/operators';
import { siluSlope4 } from './binary';
import { CHUNK, readRun, writeRun } from './elements';
import { IndexSpace, operandAddress, operandDtype, operandStride, SEGMENT } from './index-space';
import { multiplyAdd, splat } from './simd-math';
import { scratch } from './thread';

// @ts-ignore: decorator
@inline function ternary4(op: i32, a: v128, b: v128, c: v128): v128 {
  if (op == TERNARY_WHERE) return v128.bitselect(c, b, f32x4.eq(a, splat(0)));
  if (op == TERNARY_SWIGLU_GRAD_GATE) return f32x4.mul(f32x4.mul(siluSlope4(a), b), c);
  if (op == TERNARY_MULTIPLY_ADD) return multiplyAdd(a, b, c);
  return splat(NaN); // no operator
}

// @ts-ignore: decorator
@inline function loop(op: i32, a: usize, b: usize, c: usize, out: usize, n: i32, pad: usize): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = i << 2;
    v128.store(out + at, ternary4(op, v128.load(a + at), v128.load(b + at), v128.load(c + at)));
  }
  if (i < n) {
    const rest = (n - i) << 2;
    memory.copy(pad, a + (i << 2), rest);
    memory.copy(pad + 16, b + (i << 2), rest);
    memory.copy(pad + 32, c + (i << 2), rest);
    v128.store(pad, ternary4(op, v128.load(pad), v128.load(pad + 16), v128.load(pad + 32)));
    memory.copy(out + (i << 2), pad, rest);
  }
}

function contiguous(op: i32, a: usize, b: usize, c: usize, out: usize, n: i32, pad: usize): void {
  if (op == TERNARY_WHERE) loop(TERNARY_WHERE, a, b, c, out, n, pad);
  else if (op == TERNARY_SWIGLU_GRAD_GATE) loop(TERNARY_SWIGLU_GRAD_GATE, a, b, c, out, n, pad);
  else if (op == TERNARY_MULTIPLY_ADD) loop(TERNARY_MULTIPLY_ADD, a, b, c, out, n, pad);
  else unreachable();
}

/** One tile of `ternary`; operands of the index space: a, b, c, out. */
export function ternary(space: usize, tile: i32): void {
  const s = changetype<IndexSpace>(space);
  const buffer = scratch();
  const outDtype = operandDtype(space, 3), outStride = operandStride(space, 3);
  const direct = outDtype == 0 && outStride == 1;
  const last = min(s.units, (tile + 1) * s.unitsPerTile);
  for (let unit = tile * s.unitsPerTile; unit < last; unit++) {
    const row = unit / s.segmentsPerRow;
    const begin = (unit - row * s.segmentsPerRow) * SEGMENT;
    const end = min(s.inner, begin + SEGMENT);
    for (let i = begin; i < end; i += CHUNK) {
      const n = min(CHUNK, end - i);
      const a = readRun(operandAddress(space, 0, row, i), operandStride(space, 0), operandDtype(space, 0), n, buffer);
      const b = readRun(operandAddress(space, 1, row, i), operandStride(space, 1), operandDtype(space, 1), n, buffer + 2048);
      const c = readRun(operandAddress(space, 2, row, i), operandStride(space, 2), operandDtype(space, 2), n, buffer + 4096);
      const address = operandAddress(space, 3, row, i);
      const out = direct ? address : buffer + 6144;
      contiguous(s.op, a, b, c, out, n, buffer + 8192);
      if (!direct) writeRun(out, address, outStride, outDtype, n);
    }
  }
}
