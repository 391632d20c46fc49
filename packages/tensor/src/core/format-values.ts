import type { Shape } from './shape.ts';
import { sizeOf } from './shape.ts';

/** With more elements than this only the ends of each axis are shown. */
const MAX_ELEMENTS = 1000;
/** Elements shown at each end of a long axis. */
const EDGE = 3;
/** Digits behind the point, as in PyTorch. */
const DIGITS = 4;
const MAX_WIDTH = 80;

/**
 * Values as nested brackets with aligned columns, as PyTorch prints them: integers in float tensors end in a point, other floats have
 * four decimals, or four digits and an exponent where sizes differ by more than 1,000 times; long axes show three elements at
 * each end.
 *
 * @param shape extents
 * @param at the value at an index; asked only for what is shown
 * @param isFloat whether the dtype has fractions
 * @param indent columns that every line but the first is moved to the right
 */
export function formatValues(
  shape: Shape,
  at: (index: readonly number[]) => number,
  isFloat: boolean,
  indent = 0,
): string {
  const isCut = sizeOf(shape) > MAX_ELEMENTS;
  const shown: number[] = [];
  visit(shape, isCut, (index) => shown.push(at(index)));
  const format = numberFormat(shown, isFloat);
  const texts = shown.map(format);
  const width = Math.max(0, ...texts.map(({ length }) => length));
  const cells = texts.map((text) => text.padStart(width));
  let next = 0;
  const block = (axis: number, left: number): string => {
    if (axis === shape.length) return cells[next++];
    const count = shape[axis];
    const items = shownIndices(count, isCut).map((i) => (i === null ? '...' : block(axis + 1, left + 1)));
    if (axis === shape.length - 1) return `[${wrapped(items, left + 1)}]`;
    const gap = `,${'\n'.repeat(shape.length - 1 - axis)}${' '.repeat(left + 1)}`;
    return `[${items.join(gap)}]`;
  };
  return block(0, indent);
}

/** Indices of an axis, null for those left out. */
function shownIndices(count: number, isCut: boolean): (number | null)[] {
  if (!isCut || count <= 2 * EDGE) return Array.from({ length: count }, (_, i) => i);
  const last = Array.from({ length: EDGE }, (_, i) => count - EDGE + i);
  return [...Array.from({ length: EDGE }, (_, i) => i), null, ...last];
}

function visit(shape: Shape, isCut: boolean, use: (index: readonly number[]) => void, index: number[] = []): void {
  if (index.length === shape.length) {
    use(index);
    return;
  }
  for (const i of shownIndices(shape[index.length], isCut)) {
    if (i !== null) visit(shape, isCut, use, [...index, i]);
  }
}

/** One way to write all numbers of a tensor. */
function numberFormat(values: readonly number[], isFloat: boolean): (value: number) => string {
  if (!isFloat) return String;
  const finite = values.filter(Number.isFinite);
  const sizes = finite.filter((value) => value !== 0).map(Math.abs);
  const largest = Math.max(0, ...sizes);
  const smallest = Math.min(Number.POSITIVE_INFINITY, ...sizes);
  const hasExponent =
    largest >= 1e8 || (!finite.every(Number.isInteger) && (largest / smallest > 1000 || smallest < 1e-4));
  const digits = finite.every(Number.isInteger) && !hasExponent ? 0 : DIGITS;
  return (value) => {
    if (Number.isNaN(value)) return 'nan';
    if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
    if (hasExponent) return value.toExponential(digits);
    const text = value.toFixed(digits);
    return digits === 0 ? `${text}.` : text;
  };
}

/** A row of numbers in lines of at most 80 columns. */
function wrapped(items: readonly string[], left: number): string {
  const lines = [''];
  for (const [i, item] of items.entries()) {
    const text = i === items.length - 1 ? item : `${item}, `;
    const line = lines[lines.length - 1];
    if (line !== '' && left + line.length + text.trimEnd().length > MAX_WIDTH) lines.push(text);
    else lines[lines.length - 1] = line + text;
  }
  return lines.map((line) => line.trimEnd()).join(`\n${' '.repeat(left)}`);
}
