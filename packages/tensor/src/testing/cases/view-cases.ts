import { randomNormal, randomUniform } from '../../ops/creation.ts';
import { dropout } from '../../ops/dropout.ts';
import { maskedFill, oneHot, tril, triu } from '../../ops/masks.ts';
import { pad, repeat } from '../../ops/tiling.ts';
import * as ops from '../../ops/views.ts';
import { cast } from '../../ops/views.ts';
import type { OperatorCase } from '../operator-case.ts';

export const viewCases: readonly OperatorCase[] = [
  {
    name: 'reshape of a transposed tensor',
    inputs: [{ shape: [3, 4, 5] }],
    run: ([x]) => ops.reshape(ops.transpose(x, [1, 2, 0]), [-1, 6]),
    isExact: true,
  },
  {
    name: 'transpose [2x3x5x7]',
    inputs: [{ shape: [2, 3, 5, 7] }],
    run: ([x]) => ops.contiguous(ops.transpose(x, [0, 2, 1, 3])),
    isExact: true,
  },
  {
    name: 'slice with negative ends',
    inputs: [{ shape: [5, 7] }],
    run: ([x]) => ops.contiguous(ops.slice(x, [1, -4], [-1, -1])),
    isExact: true,
  },
  {
    name: 'broadcastTo [3x1] -> [2x3x5]',
    inputs: [{ shape: [3, 1] }],
    run: ([x]) => ops.contiguous(ops.broadcastTo(x, [2, 3, 5])),
    isExact: true,
  },
  {
    name: 'concat along the middle axis',
    inputs: [{ shape: [2, 3, 5] }, { shape: [2, 1, 5] }, { shape: [2, 0, 5] }],
    run: (xs) => ops.concat(xs, 1),
    isExact: true,
  },
  {
    name: 'split and stack',
    inputs: [{ shape: [4, 6] }],
    run: ([x]) => ops.stack(ops.split(x, [2, 2, 2], 1), 0),
    isExact: true,
  },
  {
    name: 'split by one size, the last piece shorter',
    inputs: [{ shape: [3, 5] }],
    run: ([x]) => ops.concat(ops.split(x, 2, 1).toReversed(), 1),
    isExact: true,
  },
  {
    name: 'squeeze and unsqueeze',
    inputs: [{ shape: [1, 5, 1] }],
    run: ([x]) => ops.unsqueeze(ops.squeeze(x, 0), 0),
    isExact: true,
  },
  { name: 'repeat [3x5] 2 and 3 times', inputs: [{ shape: [3, 5] }], run: ([x]) => repeat(x, [2, 3]) },
  { name: 'pad [3x5] with 7', inputs: [{ shape: [3, 5] }], run: ([x]) => pad(x, [1, 0], [0, 2], 7), isExact: true },
  { name: 'tril below the diagonal [2x5x3]', inputs: [{ shape: [2, 5, 3] }], run: ([x]) => tril(x, -1), isExact: true },
  { name: 'triu above the diagonal [2x3x5]', inputs: [{ shape: [2, 3, 5] }], run: ([x]) => triu(x, 1), isExact: true },
  {
    name: 'maskedFill where ids are 1',
    inputs: [{ shape: [3, 5] }, { shape: [3, 5], values: 'ids', below: 2, kind: 'integer' }],
    run: ([x, ids]) => maskedFill(x, cast(ids, x.dtype), 9),
    isExact: true,
  },
  {
    name: 'oneHot, an id outside gives zeros',
    inputs: [{ shape: [2, 3], data: [0, 4, 2, -1, 5, 1], kind: 'integer' }],
    run: ([ids]) => oneHot(ids, 5),
    isDifferentiable: false,
    isExact: true,
  },
  { name: 'dropout p=0.3 [1023]', inputs: [{ shape: [1023] }], run: ([x]) => dropout(x, 0.3, { seed: 11, offset: 5 }) },
  {
    name: 'randomUniform is the same on every device',
    inputs: [],
    run: (_, device) => randomUniform([1027], { seed: 2 ** 33 + 7, offset: 3, device }),
    isDifferentiable: false,
    isExact: true,
    dtypes: ['f32'],
  },
  {
    name: 'randomNormal',
    inputs: [],
    run: (_, device) => randomNormal([1027], { seed: 5, offset: 2, device }),
    isDifferentiable: false,
    dtypes: ['f32'],
    floor: 2e-6,
  },
];
