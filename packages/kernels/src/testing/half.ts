import type { FloatDType } from '../plan/dtype-table.ts';
import type { OperandArray } from './run-plan.ts';

const word = new DataView(new ArrayBuffer(4));

/** Rounds to the nearest IEEE half (ties to even) and returns its 16 bits. Above 65,520 in magnitude: infinity. */
export function halfBits(value: number): number {
  word.setFloat32(0, value);
  const bits = word.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = Math.abs(Math.fround(value));
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  const exponent = ((bits >>> 23) & 0xff) - 127;
  const mantissa = roundHalfEven((magnitude / 2 ** exponent - 1) * 1024);
  return sign + ((exponent + 15) << 10) + mantissa;
}

/** The number that 16 bits of an IEEE half stand for. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `values` as halves, for upload. */
export function toHalf(values: ArrayLike<number>): Uint16Array {
  return Uint16Array.from(values, halfBits);
}

/** Halves read back, as numbers. */
export function fromHalf(bits: Uint16Array): Float64Array {
  return Float64Array.from(bits, halfValue);
}

/** A float's storage in tests, by its own arithmetic and not that of the dtype table: rounding, and arrays of its bits. */
const STORAGE: Readonly<
  Record<FloatDType, { round(x: number): number; store(values: ArrayLike<number>): OperandArray }>
> = {
  f32: { round: Math.fround, store: (values) => Float32Array.from(values) },
  f16: { round: (x) => halfValue(halfBits(x)), store: toHalf },
};

/** The nearest number that `dtype` holds. */
export function storedValue(dtype: FloatDType, x: number): number {
  return STORAGE[dtype].round(x);
}

/** `values` as `dtype`, for upload. */
export function storedArray(dtype: FloatDType, values: ArrayLike<number>): OperandArray {
  return STORAGE[dtype].store(values);
}
