import { ConfigError, ShapeError } from '../core/errors.ts';
import { formatShape, type Shape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { shown } from '../core/value-checks.ts';
import { type Indices, positionOf } from './indices.ts';

type Bound = number | '';

/** `start:stop` or `start:stop:step` as in Python, each of them optional: `'1:'`, `':-1'`, `'::2'`, `'::-1'`. */
export type SliceText = `${Bound}:${Bound}` | `${Bound}:${Bound}:${Bound}`;

/**
 * What stands at a place of `x[...]`: a number takes the axis away, a slice keeps every step-th element, `null` is a new axis, `'...'` as
 * many whole axes as are left, a list or a tensor of numbers picks elements.
 */
export type AtIndex = number | SliceText | '...' | null | Indices;

/** Elements `start, start + step, ...` of an axis. */
interface Run {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Indices as a strided view, and what no view can do. */
export interface ParsedIndices {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** From the tensor's own first element. */
  readonly offset: number;
  /** Axes of the view to be read backwards. */
  readonly flipped: readonly number[];
  /** Axes of the view with indices; `source` is the tensor's axis. */
  readonly picked: readonly {
    readonly axis: number;
    readonly source: number;
    readonly name: string;
    readonly indices: Indices;
  }[];
}

const SLICE = /^(-?\d+)?:(-?\d+)?(?::(-?\d+)?)?$/;

/** Python's rule: bounds beyond an end mean that end. @throws ConfigError for another text */
function parseSlice(name: string, text: string, extent: number): Run {
  const parts = SLICE.exec(text);
  const step = parts?.[3] === undefined ? 1 : Number(parts[3]);
  if (parts === null || step === 0) {
    throw new ConfigError(
      `at: ${name} must be a slice 'start:stop' or 'start:stop:step' of whole numbers with a step other than 0, got ${shown(text)}. Use '::2' for every second element, '...' for all axes between.`,
      { slice: text },
    );
  }
  const [lowest, highest] = step > 0 ? [0, extent] : [-1, extent - 1];
  const bound = (part: string | undefined, otherwise: number): number => {
    if (part === undefined) return otherwise;
    const at = Number(part) < 0 ? Number(part) + extent : Number(part);
    return Math.min(Math.max(at, lowest), highest);
  };
  const start = bound(parts[1], step > 0 ? lowest : highest);
  const stop = bound(parts[2], step > 0 ? highest : lowest);
  return { start, step, count: Math.max(0, Math.ceil((stop - start) / step)) };
}

const takesAxis = (index: AtIndex): boolean => index !== null && index !== '...';

/** Indices with `'...'` and what is missing at the end written out. @throws ShapeError for more than there are axes */
function spelledOut(shape: Shape, indices: readonly AtIndex[]): { readonly index: AtIndex; readonly name: string }[] {
  const named = indices.map((index, i) => ({ index, name: `index ${i}` }));
  const count = indices.filter(takesAxis).length;
  const ellipses = indices.filter((index) => index === '...').length;
  if (count > shape.length || ellipses > 1) {
    throw new ShapeError(
      `at: there must be at most ${shape.length} indices, one for each axis of ${formatShape(shape)}, and one '...', got ${count} and ${ellipses}.`,
      { shape },
    );
  }
  const rest = Array.from({ length: shape.length - count }, () => ({ index: ':' as const, name: '...' }));
  const place = indices.indexOf('...');
  if (place < 0) return [...named, ...rest];
  return [...named.slice(0, place), ...rest, ...named.slice(place + 1)];
}

/** @throws ShapeError | ConfigError for what is no index, or out of range */
export function parseIndices(shape: Shape, strides: readonly number[], indices: readonly AtIndex[]): ParsedIndices {
  const out = { shape: [] as number[], strides: [] as number[], flipped: [] as number[] };
  const picked: ParsedIndices['picked'][number][] = [];
  let offset = 0;
  let source = 0;
  const keep = (extent: number, stride: number): void => {
    out.shape.push(extent);
    out.strides.push(stride);
  };
  for (const { index, name } of spelledOut(shape, indices)) {
    const [extent, stride] = [shape[source], strides[source]];
    if (index === null) {
      keep(1, 1);
      continue;
    }
    if (typeof index === 'number') offset += positionOf('at', name, index, shape, source) * stride;
    else if (typeof index === 'string') {
      const { start, step, count } = parseSlice(name, index, extent);
      // A view goes upwards only.
      const first = step > 0 || count === 0 ? start : start + (count - 1) * step;
      if (step < 0) out.flipped.push(out.shape.length);
      if (count > 0) offset += first * stride;
      keep(count, Math.abs(step) * stride);
    } else if (Array.isArray(index) || index instanceof Tensor) {
      picked.push({ axis: out.shape.length, source, name, indices: index });
      keep(extent, stride);
    } else {
      throw new ConfigError(
        `at: ${name} must be a number, a slice such as '1:' or '::2', '...', null, a list of numbers or an i32 tensor, got ${shown(index)}.`,
        { index },
      );
    }
    source++;
  }
  return { ...out, offset, picked };
}
