import * as ops from '../../ops/reductions.ts';
import { logsumexp, norm, std } from '../../ops/statistics.ts';
import { cumsum } from '../../ops/tiling.ts';
import { transpose } from '../../ops/views.ts';
import type { OperatorCase } from '../operator-case.ts';

const shape = [3, 5, 7];

export const reductionCases: readonly OperatorCase[] = [
  { name: 'sum of all [3x5x7]', inputs: [{ shape }], run: ([x]) => ops.sum(x) },
  { name: 'sum over axis 0', inputs: [{ shape }], run: ([x]) => ops.sum(x, { axes: 0 }) },
  {
    name: 'sum over axes 0 and 2, kept',
    inputs: [{ shape }],
    run: ([x]) => ops.sum(x, { axes: [0, -1], keepDims: true }),
  },
  {
    name: 'sum over the middle axis of a transposed tensor',
    inputs: [{ shape }],
    run: ([x]) => ops.sum(transpose(x, [2, 0, 1]), { axes: 1 }),
  },
  { name: 'sum of 4099 elements', inputs: [{ shape: [4099] }], run: ([x]) => ops.sum(x) },
  { name: 'sum of columns [1031x3]', inputs: [{ shape: [1031, 3] }], run: ([x]) => ops.sum(x, { axes: 0 }) },
  { name: 'mean over the last axis', inputs: [{ shape }], run: ([x]) => ops.mean(x, { axes: -1 }) },
  { name: 'variance over the last axis', inputs: [{ shape }], run: ([x]) => ops.variance(x, { axes: -1 }) },
  {
    name: 'max over the last axis [3x5x7]',
    inputs: [{ shape, values: 'distinct' }],
    run: ([x]) => ops.max(x, { axes: -1 }),
  },
  { name: 'min over axis 1 [3x5x7]', inputs: [{ shape, values: 'distinct' }], run: ([x]) => ops.min(x, { axes: 1 }) },
  {
    name: 'logsumexp over the first and last axes',
    inputs: [{ shape }],
    run: ([x]) => logsumexp(x, { axes: [0, -1] }),
  },
  { name: 'logsumexp over axis 1 [3x5x7]', inputs: [{ shape }], run: ([x]) => logsumexp(x, { axes: 1 }) },
  { name: 'std over the last axis [3x5x7]', inputs: [{ shape }], run: ([x]) => std(x, { axes: -1 }) },
  { name: 'norm over axes 0 and 2 [3x5x7]', inputs: [{ shape }], run: ([x]) => norm(x, { axes: [0, 2] }) },
  { name: 'cumsum over axis 1 [3x13x2]', inputs: [{ shape: [3, 13, 2] }], run: ([x]) => cumsum(x, 1) },
  {
    name: 'argmax takes the first maximum',
    inputs: [{ shape: [3, 4], data: [1, 5, 5, 0, -3, -1, -2, -1, 9, 0, 0, 0] }],
    run: ([x]) => ops.argmax(x),
    isDifferentiable: false,
    isExact: true,
  },
  {
    name: 'argmax [5x301]',
    inputs: [{ shape: [5, 301], values: 'distinct' }],
    run: ([x]) => ops.argmax(x),
    isDifferentiable: false,
    isExact: true,
  },
];
