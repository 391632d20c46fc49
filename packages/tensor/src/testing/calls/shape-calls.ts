import { DTYPE_NAMES } from '../../core/dtype.ts';
import * as ops from '../../index.ts';
import type { CallTable } from './call.ts';
import {
  anyNumber,
  axes,
  axis,
  device,
  dtype,
  finite,
  flag,
  floatDType,
  type Kind,
  kind,
  list,
  notNegative,
  options,
  required,
  shape,
  tensorOf,
  whole,
  without,
} from './kinds.ts';

const any = (extents: readonly number[]) =>
  tensorOf(extents, { dtypes: DTYPE_NAMES, isRankFixed: false, fixed: [], hasNoOthers: true });
const place = { dtype: dtype(), device };
const seeded = { dtype: floatDType, device, seed: whole(1), offset: whole(2) };
const reducing = options({ axes: axes(2), keepDims: flag });
const bounds = (good: readonly number[]) =>
  required(
    kind(good, {
      'a number': 0,
      'a string': '0',
      'a fraction': [0.5, good[1]],
      NaN: [Number.NaN, good[1]],
      'text in it': ['0', good[1]],
      'null in it': [null, good[1]],
      'too far': [9, good[1]],
      'too many': [...good, 1],
    }),
  );

const float = (extents: readonly number[]) => tensorOf(extents, { isRankFixed: false, fixed: [], hasNoOthers: true });
const counts = (good: readonly number[]) =>
  required(
    kind(good, {
      'too few': good.slice(1),
      'too many': [...good, 1],
      negative: [-1, good[1]],
      'a fraction': [0.5, good[1]],
      NaN: [Number.NaN, good[1]],
      text: ['1', good[1]],
      'a number': 1,
    }),
  );
const offset = kind(1, { 'a fraction': 0.5, NaN: Number.NaN, infinite: Number.POSITIVE_INFINITY, 'a string': '1' });

/** An index of `at`: no more than numbers, texts, null, lists and tensors. */
const atIndex = (good: unknown, wrong: Readonly<Record<string, unknown>>): Kind =>
  required(
    without(
      kind(good, {
        ...wrong,
        'a fraction': 0.5,
        NaN: Number.NaN,
        true: true,
        'a list out of range': [5],
        'a list of text': ['0'],
        'a promise': Promise.resolve(1),
      }),
      'null',
      'a list',
    ),
  );

/** A list of indices, or an index tensor. */
const indices = (extents: readonly number[], size: number): Kind => {
  const { wrong } = required(
    kind(null, { 'a number': 0, text: '0', 'out of range': [0, size], 'a fraction': [0, 0.5], 'text in it': ['0', 1] }),
  );
  const tensors = tensorOf(extents, { dtypes: ['i32', 'u32'], isRankFixed: false, fixed: [] });
  return without({ good: tensors.good, wrong: { ...wrong, ...without(tensors, 'a list').wrong } }, 'a list');
};

const sorting = options({ descending: flag });

const { sum, max, min, mean, variance, logsumexp, std, norm } = ops;

/** A bound above -3. */
const above: Kind = {
  good: () => 5,
  wrong: {
    ...finite(5).wrong,
    ...kind(5, { 'the other bound': -3, 'below it': -4, 'too far from it': 1e39 }).wrong,
  },
};

/** Creation, views and reductions. */
export const shapeCalls: CallTable = {
  empty: { run: ops.empty, args: [shape([2, 3]), options(place)] },
  zeros: { run: ops.zeros, args: [shape([2, 3]), options(place)] },
  ones: { run: ops.ones, args: [shape([2, 3]), options(place)] },
  full: { run: ops.full, args: [shape([2, 3]), required(anyNumber(1)), options(place)] },
  zerosLike: { run: ops.zerosLike, args: [any([2, 3])] },
  onesLike: { run: ops.onesLike, args: [any([2, 3])] },
  arange: { run: ops.arange, args: [required(whole(3)), options(place)] },
  randomUniform: {
    run: ops.randomUniform,
    args: [shape([2, 3]), options({ ...seeded, min: finite(-3), max: above }, ['seed'])],
  },
  randomNormal: {
    run: ops.randomNormal,
    args: [shape([2, 3]), options({ ...seeded, mean: finite(1), std: notNegative(2) }, ['seed'])],
  },
  tensor: {
    run: ops.tensor,
    args: [
      required({
        good: () => [
          [1, 2, 3],
          [4, 5, 6],
        ],
        wrong: Object.fromEntries(
          Object.entries({
            null: null,
            'a string': '1',
            'a list of text': ['1'],
            'a list of null': [null],
            'a list of bigints': [1n],
            'an object': {},
            true: true,
            'ragged rows': [[1, 2], [3]],
            'mixed depth': [[1, 2, 3], 4],
            'too few': [1, 2, 3],
            '64-bit integers': new BigInt64Array(6),
            'a DataView': new DataView(new ArrayBuffer(24)),
            'an ArrayBuffer': new ArrayBuffer(24),
            'an async function': async () => 1,
            'a list that holds itself': cyclic(),
          }).map(([label, value]) => [label, () => value]),
        ),
      }),
      options({ ...place, shape: shape([2, 3]) }),
    ],
  },
  assign: {
    run: ops.assign,
    args: [
      any([2, 3]),
      {
        good: ({ device: here }) => ops.ones([2, 3], { device: here }),
        wrong: {
          ...tensorOf([2, 3], { isRankFixed: false, dtypes: DTYPE_NAMES }).wrong,
          ...Object.fromEntries(
            Object.entries({
              'too few numbers': new Float32Array(5),
              '64-bit integers': new BigInt64Array(6),
              'a DataView': new DataView(new ArrayBuffer(24)),
              'a list': [1, 2, 3, 4, 5, 6],
              'a string': '1',
            }).map(([label, value]) => [label, () => value]),
          ),
          'a number': () => '3',
        },
      },
    ],
  },
  contiguous: { run: ops.contiguous, args: [any([2, 3])] },
  cast: { run: ops.cast, args: [any([2, 3]), required(dtype())] },
  reshape: { run: ops.reshape, args: [any([2, 3]), without(shape([3, 2]), 'an extent -1')] },
  transpose: {
    run: ops.transpose,
    args: [
      any([2, 3]),
      kind([1, 0], {
        'a number': 1,
        'too few': [0],
        'one twice': [0, 0],
        'too large': [0, 2],
        NaN: [0, Number.NaN],
        text: '10',
      }),
    ],
  },
  slice: { run: ops.slice, args: [any([2, 3]), bounds([0, 1]), without(bounds([2, 3]), 'a list')] },
  broadcastTo: {
    run: ops.broadcastTo,
    args: [any([1, 3]), shape([2, 3])],
  },
  squeeze: { run: ops.squeeze, args: [any([1, 3]), axes(2)] },
  unsqueeze: { run: ops.unsqueeze, args: [any([2, 3]), axis(3)] },
  concat: {
    run: ops.concat,
    args: [
      list(tensorOf([2, 3], { dtypes: ['f32'], fixed: [1] }), tensorOf([2, 3], { dtypes: ['f32'], fixed: [1] })),
      axis(2),
    ],
  },
  stack: {
    run: ops.stack,
    args: [list(tensorOf([2, 3], { dtypes: ['f32'] }), tensorOf([2, 3], { dtypes: ['f32'] })), axis(3)],
  },
  split: {
    run: ops.split,
    args: [
      any([4, 3]),
      required(
        kind([1, 3], {
          'a negative size': [5, -1],
          'too many': [1, 4],
          fractions: [0.5, 3.5],
          NaN: [Number.NaN, 3],
          text: ['1', 3],
          'a piece of nothing': 0,
          'part of a row': 1.5,
        }),
      ),
      axis(2),
    ],
  },
  ...Object.fromEntries(
    Object.entries({ sum, max, min }).map(([name, run]) => [name, { run, args: [any([2, 3]), reducing] }]),
  ),
  ...Object.fromEntries(
    Object.entries({ mean, variance }).map(([name, run]) => [
      name,
      { run, args: [tensorOf([2, 3], { isRankFixed: false, fixed: [], hasNoOthers: true }), reducing] },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries({ logsumexp, std, norm }).map(([name, run]) => [name, { run, args: [float([2, 3]), reducing] }]),
  ),
  cumsum: { run: ops.cumsum, args: [float([2, 3]), without(axis(2), 'nothing')] },
  repeat: { run: ops.repeat, args: [any([2, 3]), counts([2, 1])] },
  pad: { run: ops.pad, args: [any([2, 3]), counts([1, 0]), counts([0, 2]), anyNumber(1)] },
  tril: { run: ops.tril, args: [any([2, 3]), offset] },
  triu: { run: ops.triu, args: [any([2, 3]), offset] },
  oneHot: {
    run: ops.oneHot,
    args: [
      tensorOf([2, 3], { dtypes: ['i32', 'u32'], isRankFixed: false, fixed: [], hasNoOthers: true }),
      required(whole(4, 1)),
      options({ dtype: dtype() }),
    ],
  },
  maskedFill: {
    run: ops.maskedFill,
    args: [
      tensorOf([2, 3], { dtypes: DTYPE_NAMES, isRankFixed: false, fixed: [1] }),
      tensorOf([2, 3], { dtypes: DTYPE_NAMES, isRankFixed: false, fixed: [1] }),
      required(anyNumber(1)),
    ],
  },
  einsum: {
    run: ops.einsum,
    args: [
      required(
        kind('ij,jk->ik', {
          'another letter behind the arrow': 'ij,jk->iz',
          'a letter twice in an operand': 'ii,jk->ik',
          'a letter twice in the result': 'ij,jk->ii',
          'too few operands': 'ij->i',
          'too few letters': 'i,jk->ik',
          'an ellipsis': '...j,jk->...k',
          'two arrows': 'ij,jk->ik->i',
          'no letters': '',
        }),
      ),
      tensorOf([2, 3], { dtypes: ['f32'], fixed: [1] }),
      tensorOf([3, 4], { dtypes: ['f32'], fixed: [0] }),
    ],
  },
  argmax: { run: ops.argmax, args: [any([2, 3])] },
  at: {
    run: ops.at,
    args: [
      any([2, 3]),
      atIndex(1, { 'out of range': 2, 'out of range from the end': -3 }),
      atIndex('::2', { 'another text': '1', 'a step of 0': '::0', 'a fraction in it': '0.5:' }),
    ],
  },
  take: { run: ops.take, args: [any([2, 3]), indices([2], 2), axis(2)] },
  takeAlong: {
    run: ops.takeAlong,
    args: [
      tensorOf([2, 3], { dtypes: DTYPE_NAMES, fixed: [] }),
      without(tensorOf([2, 3], { dtypes: ['i32', 'u32'], fixed: [1] }), 'axis 0 too long'),
      axis(2),
    ],
  },
  scatterAdd: {
    run: ops.scatterAdd,
    args: [
      tensorOf([2, 3], { dtypes: ['f32'], fixed: [1] }),
      axis(2),
      indices([2], 2),
      tensorOf([2, 3], { dtypes: ['f32'], fixed: [0, 1] }),
    ],
  },
  flip: { run: ops.flip, args: [any([2, 3]), axes(2)] },
  roll: { run: ops.roll, args: [any([2, 3]), required(whole(1, -(2 ** 31), 2 ** 31)), axis(2)] },
  sort: { run: ops.sort, args: [any([2, 3]), without(axis(2), 'nothing'), sorting] },
  argsort: { run: ops.argsort, args: [any([2, 3]), without(axis(2), 'nothing'), sorting] },
  topk: { run: ops.topk, args: [any([2, 3]), required(whole(2, 0, 2)), without(axis(2), 'nothing')] },
  multinomial: {
    run: ops.multinomial,
    args: [
      without(float([2, 3]), 'one axis less'),
      required(whole(2, 1)),
      options({ seed: whole(1), offset: whole(2), replacement: flag }, ['seed']),
    ],
  },
  packedZeros: { run: ops.packedZeros, args: [required(device), list(shape([2, 3]), shape([2])), required(dtype())] },
};

function cyclic(): unknown[] {
  const list: unknown[] = [];
  list.push(list);
  return list;
}
