// Strided copies with conversion, and fills.
import { DTYPE_I32, DTYPE_U32 } from '../src/abi/operators';
import { CHUNK, elementShift, isShort, readRun, sameBits, storeElement, writeRun } from './elements';
import { IndexSpace, operandAddress, operandDtype, operandStride, SEGMENT } from './index-space';
import { scratch } from './thread';

/** n elements of 2 or 4 bytes moved without conversion. */
function moveBits(from: usize, fromStride: i32, to: usize, toStride: i32, shift: u32, n: i32): void {
  if (fromStride == 1 && toStride == 1) {
    memory.copy(to, from, n << shift);
    return;
  }
  const fromStep = fromStride << shift, toStep = toStride << shift;
  if (shift == 1) {
    for (let i = 0; i < n; i++) store<u16>(to + i * toStep, load<u16>(from + i * fromStep));
  } else {
    for (let i = 0; i < n; i++) store<u32>(to + i * toStep, load<u32>(from + i * fromStep));
  }
}

/** One tile of `copy`; operands: x, out. */
export function copy(space: usize, tile: i32): void {
  const s = changetype<IndexSpace>(space);
  const buffer = scratch();
  const xDtype = operandDtype(space, 0), xStride = operandStride(space, 0);
  const outDtype = operandDtype(space, 1), outStride = operandStride(space, 1);
  const last = min(s.units, (tile + 1) * s.unitsPerTile);
  for (let unit = tile * s.unitsPerTile; unit < last; unit++) {
    const row = unit / s.segmentsPerRow;
    const begin = (unit - row * s.segmentsPerRow) * SEGMENT;
    const end = min(s.inner, begin + SEGMENT);
    if (sameBits(xDtype, outDtype)) {
      const from = operandAddress(space, 0, row, begin);
      moveBits(from, xStride, operandAddress(space, 1, row, begin), outStride, elementShift(xDtype), end - begin);
      continue;
    }
    for (let i = begin; i < end; i += CHUNK) {
      const n = min(CHUNK, end - i);
      const x = readRun(operandAddress(space, 0, row, i), xStride, xDtype, n, buffer);
      writeRun(x, operandAddress(space, 1, row, i), outStride, outDtype, n);
    }
  }
}

/** One tile of `fill`; operand: out; the value is `alpha`, for integers the bits are `op`. */
export function fill(space: usize, tile: i32): void {
  const s = changetype<IndexSpace>(space);
  const dtype = operandDtype(space, 0), stride = operandStride(space, 0);
  const isInteger = dtype == DTYPE_I32 || dtype == DTYPE_U32;
  const last = min(s.units, (tile + 1) * s.unitsPerTile);
  for (let unit = tile * s.unitsPerTile; unit < last; unit++) {
    const row = unit / s.segmentsPerRow;
    const begin = (unit - row * s.segmentsPerRow) * SEGMENT;
    const n = min(s.inner, begin + SEGMENT) - begin;
    const out = operandAddress(space, 0, row, begin);
    const step = stride << elementShift(dtype);
    if (s.op == 0 && stride == 1 && reinterpret<u32>(s.alpha) == 0) memory.fill(out, 0, n << elementShift(dtype));
    else if (isInteger) for (let i = 0; i < n; i++) store<i32>(out + i * step, s.op);
    else if (isShort(dtype) || stride != 1) for (let i = 0; i < n; i++) storeElement(out + i * step, dtype, s.alpha);
    else {
      let i = 0;
      for (; i + 4 <= n; i += 4) v128.store(out + (i << 2), f32x4.splat(s.alpha));
      for (; i < n; i++) store<f32>(out + (i << 2), s.alpha);
    }
  }
}
