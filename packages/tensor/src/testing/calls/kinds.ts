import { createReferenceBackend } from '../../backends/reference/reference-backend.ts';
import { Device } from '../../core/device.ts';
import { DTYPE_NAMES, type DType, isFloat } from '../../core/dtype.ts';
import { sizeOf } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { tensor } from '../../ops/creation.ts';

/** Where calls run: the device under test, and another of the same kind whose tensors must not meet it. */
export interface Place {
  readonly device: Device;
  readonly other: Device;
}

/** A kind of argument: a right value, and wrong ones by what is wrong with them. All are made anew for each call. */
export interface Kind {
  readonly good: (place: Place) => unknown;
  readonly wrong: Readonly<Record<string, (place: Place) => unknown>>;
}

const constants = (values: Readonly<Record<string, unknown>>): Kind['wrong'] =>
  Object.fromEntries(Object.entries(values).map(([label, value]) => [label, () => value]));

/** What is never a number, a flag, a name or a tensor. */
const NOTHING = constants({
  null: null,
  'a list': [1],
  'an object': {},
  'a bigint': 1n,
  'a symbol': Symbol('wrong'),
  'an async function': async () => 1,
});

export function kind(good: unknown, wrong: Readonly<Record<string, unknown>>): Kind {
  return { good: () => good, wrong: { ...NOTHING, ...constants(wrong) } };
}

/** A kind that also refuses to be left out. */
export const required = ({ good, wrong }: Kind): Kind => ({ good, wrong: { ...wrong, nothing: () => undefined } });

export const without = ({ good, wrong }: Kind, ...labels: readonly string[]): Kind => ({
  good,
  wrong: Object.fromEntries(Object.entries(wrong).filter(([label]) => !labels.includes(label))),
});

/** A kind for which null says something. */
export const nullable = (it: Kind): Kind => without(it, 'null');

export const whole = (good: number, min = 0, max = Number.MAX_SAFE_INTEGER): Kind =>
  kind(good, {
    NaN: Number.NaN,
    Infinity,
    '-Infinity': -Infinity,
    'a fraction': good + 0.5,
    'too small': min - 1,
    'too large': max + 1,
    huge: 1e300,
    'a string': String(good),
    true: true,
  });

export const finite = (good: number): Kind =>
  kind(good, { NaN: Number.NaN, Infinity, '-Infinity': -Infinity, 'a string': String(good), true: true });

export const notNegative = (good: number): Kind => {
  const { wrong } = finite(good);
  return { good: () => good, wrong: { ...wrong, negative: () => -1 } };
};

export const positive = (good: number): Kind => {
  const { wrong } = notNegative(good);
  return { good: () => good, wrong: { ...wrong, zero: () => 0 } };
};

/** Any number: NaN and the infinities are values. */
export const anyNumber = (good: number): Kind => kind(good, { 'a string': String(good), true: true });

export const flag: Kind = kind(true, { 'a string': 'no', 'a number': 1, NaN: Number.NaN });

export const dtype = (good: DType = 'f32'): Kind =>
  kind(good, { f64: 'f64', f8: 'f8', 'an empty string': '', 'a method of objects': 'toString', 'a number': 1 });

export const floatDType: Kind = { good: () => 'f32', wrong: { ...dtype().wrong, i32: () => 'i32', u32: () => 'u32' } };

export const name = (good: string): Kind =>
  kind(good, { 'another string': 'wrong', 'an empty string': '', 'a method of objects': 'toString', 'a number': 1 });

export const shape = (good: readonly number[]): Kind => {
  const list = (extent: unknown): readonly unknown[] => [extent, ...good.slice(1)];
  return required(
    kind(good, {
      'a number': 3,
      'a string': '3',
      'an extent NaN': list(Number.NaN),
      'an extent -1': list(-1),
      'an extent 0.5': list(0.5),
      'an extent Infinity': list(Infinity),
      'an extent null': list(null),
      'an extent of text': list('2'),
      'an extent of 2^53': list(2 ** 53),
      'extents of 2^60 elements': [2 ** 30, 2 ** 30],
      holes: new Array(2),
      'a list': [[2]],
    }),
  );
};

export const axis = (rank: number, good = 0): Kind =>
  required(
    kind(good, {
      NaN: Number.NaN,
      Infinity,
      'a fraction': 0.5,
      'too small': -rank - 1,
      'too large': rank,
      'a string': '0',
      true: true,
    }),
  );

export const axes = (rank: number): Kind =>
  kind([0], {
    NaN: Number.NaN,
    'a fraction': 0.5,
    'too large': rank,
    'a list': [rank],
    'one twice': [0, -rank],
    'a list of text': ['0'],
    'a list of NaN': [Number.NaN],
    'a string': '0',
    true: true,
  });

export const callback = (good: unknown): Kind =>
  without(kind(good, { 'a number': 1, 'a string': 'x', true: true }), 'an async function');

export const device: Kind = {
  good: (place) => place.device,
  wrong: {
    ...kind(null, { 'its name': 'cpu', 'a number': 1 }).wrong,
    'a destroyed device': () => {
      const gone = new Device(createReferenceBackend());
      gone.destroy();
      return gone;
    },
  },
};

export interface TensorKind {
  /** Those the operator takes; f32 and f16 by default. The first is the one used. */
  readonly dtypes?: readonly DType[];
  /** Whether another rank is wrong; true by default. */
  readonly isRankFixed?: boolean;
  /** Axes whose extent must be this one; all by default. */
  readonly fixed?: readonly number[];
  /** Whether it meets no other tensor, so that any device will do. */
  readonly hasNoOthers?: boolean;
  /** Elements; 0, 1/8, 2/8, ... by default, and whole numbers for integers. */
  readonly values?: readonly number[];
}

function made(place: Device, extents: readonly number[], type: DType, values?: readonly number[]): Tensor {
  const isWhole = !isFloat(type);
  const data = Array.from({ length: sizeOf(extents) }, (_, i) => values?.[i] ?? (isWhole ? 0 : (i % 8) / 8));
  return tensor(new Float64Array(data), { shape: extents, dtype: type, device: place });
}

/** A tensor of this shape. */
export function tensorOf(extents: readonly number[], options: TensorKind = {}): Kind {
  const { dtypes = DTYPE_NAMES.filter(isFloat), isRankFixed = true, hasNoOthers = false, values } = options;
  const fixed = options.fixed ?? extents.map((_, at) => at);
  const like =
    (type: DType, sizes = extents) =>
    ({ device: here }: Place): Tensor =>
      made(here, sizes, type, values);
  const wrong: Record<string, (place: Place) => unknown> = {
    ...required(kind(null, { 'a number': 3, 'a string': 'x', true: true })).wrong,
    'a promise': () => Promise.resolve(1),
    'what says it is a tensor': () => ({ isTensor: true, shape: extents, rank: extents.length, dtype: dtypes[0] }),
    'a disposed tensor': (place) => {
      const gone = like(dtypes[0])(place);
      gone.dispose();
      return gone;
    },
  };
  for (const type of DTYPE_NAMES) if (!dtypes.includes(type)) wrong[`an ${type} tensor`] = like(type);
  if (!hasNoOthers) wrong['a tensor of another device'] = ({ other }) => made(other, extents, dtypes[0], values);
  if (isRankFixed) {
    wrong['one axis more'] = like(dtypes[0], [1, ...extents]);
    if (extents.length > 0) wrong['one axis less'] = like(dtypes[0], extents.slice(1));
  }
  for (const at of fixed) {
    const longer = extents.map((extent, i) => (i === at ? extent + 1 : extent));
    wrong[`axis ${at} too long`] = like(dtypes[0], longer);
    if (extents[at] > 1) {
      const shorter = extents.map((extent, i) => (i === at ? extent - 1 : extent));
      if (shorter[at] > 1) wrong[`axis ${at} too short`] = like(dtypes[0], shorter);
    }
  }
  return { good: like(dtypes[0]), wrong };
}

/** A tensor that may be left out. */
export const optional = (it: Kind): Kind => without(it, 'nothing', 'null');

/** An options object; every wrong value of every option, an unknown option, and what is no object. */
export function options(kinds: Readonly<Record<string, Kind>>, needed: readonly string[] = []): Kind {
  const whole = (place: Place): Record<string, unknown> =>
    Object.fromEntries(Object.entries(kinds).map(([key, it]) => [key, it.good(place)]));
  const wrong: Record<string, (place: Place) => unknown> = {
    null: () => null,
    'a number': () => 1,
    'a string': () => 'x',
    'a list': () => [1],
    'a function': () => () => ({}),
    'a tensor': ({ device: here }) => made(here, [1], 'f32'),
    'an unknown option': (place) => ({ ...whole(place), colour: 1 }),
    'an option that objects have': (place) => ({ ...whole(place), toString: 1 }),
  };
  for (const [key, it] of Object.entries(kinds)) {
    for (const [label, value] of Object.entries(it.wrong)) {
      if (label !== 'nothing') wrong[`${key}: ${label}`] = (place) => ({ ...whole(place), [key]: value(place) });
    }
  }
  for (const key of needed) {
    wrong[`without ${key}`] = (place) => {
      const { [key]: _, ...rest } = whole(place);
      return rest;
    };
  }
  if (needed.length > 0) wrong.nothing = () => undefined;
  return { good: whole, wrong };
}

/** A list of kinds, each with its wrong values, and what is no list. */
export function list(...kinds: readonly Kind[]): Kind {
  const whole = (place: Place): unknown[] => kinds.map((it) => it.good(place));
  const wrong: Record<string, (place: Place) => unknown> = {
    ...required(kind(null, { 'a number': 3, 'a string': 'x' })).wrong,
  };
  kinds.forEach((it, i) => {
    for (const [label, value] of Object.entries(it.wrong)) {
      wrong[`[${i}] ${label}`] = (place) => whole(place).map((item, j) => (j === i ? value(place) : item));
    }
  });
  return { good: whole, wrong };
}

/** Tensors by name, each with its wrong values, and what is no such object. */
export function named(kinds: Readonly<Record<string, Kind>>): Kind {
  const whole = (place: Place): Record<string, unknown> =>
    Object.fromEntries(Object.entries(kinds).map(([key, it]) => [key, it.good(place)]));
  const wrong: Record<string, (place: Place) => unknown> = {
    ...required(kind(null, { 'a number': 3, 'a string': 'x', true: true })).wrong,
  };
  for (const [key, it] of Object.entries(kinds)) {
    for (const [label, value] of Object.entries(it.wrong)) {
      wrong[`${key}: ${label}`] = (place) => ({ ...whole(place), [key]: value(place) });
    }
  }
  return { good: whole, wrong };
}
