import { at } from '../../ops/at.ts';
import { embedding, gather } from '../../ops/indexing.ts';
import { multinomial } from '../../ops/multinomial.ts';
import { flip, roll } from '../../ops/rearrange.ts';
import { argsort, sort, topk } from '../../ops/sort.ts';
import { scatterAdd, take, takeAlong } from '../../ops/take.ts';
import { cast } from '../../ops/views.ts';
import type { OperatorCase } from '../operator-case.ts';

export const indexingCases: readonly OperatorCase[] = [
  {
    name: 'embedding [V=11 C=5], repeated ids',
    inputs: [{ shape: [11, 5] }, { shape: [2, 7], kind: 'integer', values: 'ids', below: 4 }],
    run: ([table, ids]) => embedding(table, ids),
  },
  {
    name: 'embedding [V=301 C=16 N=515]',
    inputs: [{ shape: [301, 16] }, { shape: [515], kind: 'integer', values: 'ids', below: 301 }],
    run: ([table, ids]) => embedding(table, ids),
  },
  {
    name: 'embedding of an id out of range is NaN',
    inputs: [
      { shape: [3, 2], constant: true },
      { shape: [3], kind: 'integer', data: [0, 3, -1] },
    ],
    run: ([table, ids]) => embedding(table, ids),
    isDifferentiable: false,
    isExact: true,
  },
  {
    name: 'gather along the middle axis',
    inputs: [{ shape: [3, 5, 4] }, { shape: [6], kind: 'integer', data: [4, 0, 0, 2, 4, 1] }],
    run: ([x, index]) => gather(x, index, 1),
  },
  {
    name: 'gather along the last axis',
    inputs: [{ shape: [3, 5] }, { shape: [2], kind: 'integer', data: [4, 1] }],
    run: ([x, index]) => gather(x, index, -1),
  },
  {
    name: 'at: a number, steps in both directions, a new axis',
    inputs: [{ shape: [3, 5, 7] }],
    run: ([x]) => at(x, 1, '::2', null, '-2::-3'),
    isExact: true,
  },
  {
    name: 'at: a list and an index tensor together, repeated',
    inputs: [{ shape: [3, 4, 5] }, { shape: [2, 1], kind: 'integer', data: [2, -1] }],
    run: ([x, index]) => at(x, index, '1:', [4, 0, 0]),
    isExact: true,
  },
  {
    name: 'take of a matrix of indices, along the middle axis',
    inputs: [{ shape: [3, 5, 4] }, { shape: [2, 3], kind: 'integer', data: [4, 0, -5, 2, -1, 1] }],
    run: ([x, index]) => take(x, index, 1),
    isExact: true,
  },
  {
    name: 'take of an index out of range is NaN, and gets no gradient',
    inputs: [
      { shape: [3, 2], constant: true },
      { shape: [4], kind: 'integer', data: [0, 3, -4, -3] },
    ],
    run: ([x, index]) => take(x, index, 0),
    isDifferentiable: false,
    isExact: true,
  },
  {
    name: 'takeAlong the middle axis, repeated',
    inputs: [{ shape: [2, 5, 3] }, { shape: [2, 7, 3], kind: 'integer', values: 'ids', below: 5 }],
    run: ([x, index]) => takeAlong(x, index, 1),
    isExact: true,
  },
  {
    name: 'scatterAdd of slices, repeated and out of range',
    inputs: [{ shape: [3, 4, 5] }, { shape: [6], kind: 'integer', data: [3, 0, 0, 4, -1, -9] }, { shape: [3, 6, 5] }],
    run: ([x, index, values]) => scatterAdd(x, 1, index, values),
  },
  {
    name: 'scatterAdd of elements along the last axis',
    inputs: [{ shape: [3, 4] }, { shape: [3, 7], kind: 'integer', values: 'ids', below: 5 }, { shape: [3, 7] }],
    run: ([x, index, values]) => scatterAdd(x, -1, index, values),
  },
  {
    name: 'scatterAdd of integers',
    inputs: [
      { shape: [3], kind: 'integer', data: [1, 2 ** 24 + 1, -3] },
      { shape: [4], kind: 'integer', data: [1, 1, 0, 2] },
      { shape: [4], kind: 'integer', data: [2 ** 24, 2, 5, 3] },
    ],
    run: ([x, index, values]) => scatterAdd(x, 0, index, values),
    isDifferentiable: false,
    isExact: true,
    dtypes: ['f32'],
  },
  { name: 'flip of two axes', inputs: [{ shape: [3, 4, 5] }], run: ([x]) => flip(x, [0, -1]), isExact: true },
  { name: 'roll backwards', inputs: [{ shape: [3, 5, 2] }], run: ([x]) => roll(x, -7, 1), isExact: true },
  {
    name: 'sort along the first axis',
    inputs: [{ shape: [17, 3], values: 'distinct' }],
    run: ([x]) => sort(x, 0).values,
    isExact: true,
  },
  {
    name: 'sort descending with ties [2x300]',
    inputs: [{ shape: [2, 300], values: 'ids', below: 40, constant: true }],
    run: ([x]) => {
      const { values, indices } = sort(x, -1, { descending: true });
      return [values, indices];
    },
    isDifferentiable: false,
    isExact: true,
  },
  {
    name: 'argsort with NaN, infinities and both zeros',
    inputs: [{ shape: [8], data: [Number.NaN, 0, -0, Infinity, -Infinity, -1, Number.NaN, 1], constant: true }],
    run: ([x]) => [argsort(x), argsort(x, 0, { descending: true })],
    isDifferentiable: false,
    isExact: true,
  },
  {
    name: 'argsort of integers',
    inputs: [{ shape: [2, 5], kind: 'integer', data: [5, -(2 ** 31), 2 ** 31 - 128, -1, 5, 0, 3, 3, -3, 0] }],
    run: ([x]) => [argsort(x), argsort(cast(x, 'u32'))],
    isDifferentiable: false,
    isExact: true,
    dtypes: ['f32'],
  },
  {
    name: 'topk of the middle axis',
    inputs: [{ shape: [3, 23, 2], values: 'distinct' }],
    run: ([x]) => topk(x, 4, 1).values,
    isExact: true,
  },
  {
    name: 'multinomial with and without replacement',
    inputs: [{ shape: [4, 11], values: 'positive', constant: true }],
    run: ([probs]) => [
      multinomial(probs, 30, { seed: 3, replacement: true }),
      multinomial(probs, 7, { seed: 5, offset: 2 }),
    ],
    isDifferentiable: false,
    isExact: true,
  },
];
