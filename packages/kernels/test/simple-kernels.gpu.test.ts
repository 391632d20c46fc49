import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elementwiseOperators, INTEGER_FAMILY } from '../src/elementwise/operators.ts';
import {
  type KernelPlan,
  planAdamW,
  planArgmax,
  planCopy,
  planCrossEntropy,
  planCrossEntropyBackward,
  planElementwise,
  planFill,
  planGather,
  planGatherBackward,
  planNorm,
  planNormBackward,
  planRandom,
  planReduce,
  planRope,
  planSoftmax,
  planSoftmaxBackward,
  planSumSquares,
  planSwigluBackward,
} from '../src/index.ts';
import { compileAll } from './compile-all.ts';
import { openTestDevice, type TestDevice } from './device.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice({ backend: 'null' });
});
afterAll(() => gpu.close());

const FLOATS = ['f32', 'f16'] as const;
const DTYPES = ['f32', 'f16', 'i32', 'u32'] as const;
const BOOLEANS = [false, true];
const zeros = { x: 0, y: 0, dy: 0, dx: 0, out: 0, index: 0, positions: 0, dOut: 0 };

function* elementwisePlans(): Iterable<KernelPlan> {
  const families = [1, 2, 3].map(elementwiseOperators);
  for (const dtype of FLOATS) {
    for (const [count, ops] of families.entries()) {
      for (const op of ops) {
        for (const shape of [[8], [3, 5, 7]]) {
          const strides = shape.length === 1 ? [1] : [70, 14, 2];
          const operand = { dtype, strides, offset: 0 };
          const inputs = Array.from({ length: count + 1 }, () => operand);
          yield planElementwise({ op, shape, inputs, out: operand }, gpu.capabilities);
          yield planElementwise({ op, shape, inputs, out: operand, isOut: inputs.map(() => true) }, gpu.capabilities);
        }
      }
    }
    for (const [shape, strides] of [
      [[8], [1]],
      [
        [3, 5, 7],
        [70, 14, 2],
      ],
    ] as const) {
      const input = { strides, offset: 0 };
      const problem = { dtype, shape, gate: input, up: input, dOut: input, offsets: { dGate: 0, dUp: 0 } };
      yield planSwigluBackward(problem, gpu.capabilities);
    }
  }
  for (const dtype of ['i32', 'u32'] as const) {
    for (const [count, ops] of families.entries()) {
      const operand = { dtype, strides: [1], offset: 0 };
      const inputs = Array.from({ length: count + 1 }, () => operand);
      for (const op of ops) {
        if (INTEGER_FAMILY.numbers.has(op))
          yield planElementwise({ op, shape: [5], inputs, out: operand }, gpu.capabilities);
      }
    }
  }
}

function* copyPlans(): Iterable<KernelPlan> {
  for (const from of DTYPES) {
    for (const size of [8, 7]) {
      yield planFill({ dtype: from, size, offset: 0, value: 1 }, gpu.capabilities);
      for (const to of DTYPES) {
        const x = { dtype: from, strides: [1], offset: 0 };
        yield planCopy({ shape: [size], x, out: { ...x, dtype: to } }, gpu.capabilities);
      }
    }
  }
}

function* reducePlans(): Iterable<KernelPlan> {
  for (const dtype of DTYPES) {
    for (const op of ['sum', 'max', 'min', 'sumSquares'] as const) {
      for (const axes of [[0], [1], [0, 1]]) {
        const x = { dtype, strides: [5, 1], offset: 0 };
        yield planReduce({ op, shape: [40000, 5], axes, x, out: { dtype, offset: 0 } }, gpu.capabilities);
      }
    }
    for (const columns of [16, 1600, 3200]) {
      const x = { dtype, strides: [columns, 1], offset: 0 };
      for (const rows of [40, 4000]) {
        const problem = { op: 'sum', shape: [rows, columns], axes: [0], x, out: { dtype, offset: 0 } } as const;
        yield planReduce(problem, gpu.capabilities);
      }
    }
    yield planArgmax({ dtype, rows: 3, N: 5, offset: 0, outOffset: 0 }, gpu.capabilities);
  }
}

function* rowPlans(): Iterable<KernelPlan> {
  for (const dtype of FLOATS) {
    for (const N of [5, 200, 400, 600]) {
      for (const isLog of BOOLEANS) {
        yield planSoftmax({ dtype, rows: 3, N, isLog, offsets: zeros }, gpu.capabilities);
        yield planSoftmaxBackward({ dtype, rows: 3, N, isLog, offsets: zeros }, gpu.capabilities);
      }
      for (const kind of ['rms', 'layer'] as const) {
        const own = { dtype, kind, rows: 70, N };
        const stats = { mean: kind === 'layer' ? 0 : null, rstd: 0 };
        for (const given of [0, null]) {
          const bias = kind === 'layer' ? given : null;
          yield planNorm(
            { ...own, eps: 1e-5, offsets: { ...stats, x: 0, weight: given, bias, out: 0 } },
            gpu.capabilities,
          );
          const gradients = { dOut: 0, dx: 0, dWeight: given, dBias: bias };
          yield planNormBackward(
            { ...own, offsets: { ...stats, x: 0, weight: given, ...gradients } },
            gpu.capabilities,
          );
        }
      }
    }
  }
}

function* otherPlans(): Iterable<KernelPlan> {
  for (const dtype of FLOATS) {
    for (const flag of BOOLEANS) {
      const rope = { tokens: 3, H: 2, D: 10, rotaryDim: 6, theta: 1e4, isInterleaved: flag };
      for (const isInverse of BOOLEANS) yield planRope({ ...rope, dtype, isInverse, offsets: zeros }, gpu.capabilities);
      const two = { ...rope, dtype, D: 32, rotaryDim: 32, isInverse: flag, offsets: zeros };
      yield planRope(two, gpu.capabilities);
      yield planRope({ ...two, second: { H: 1, offsets: { y: 0, outY: 0 } } }, gpu.capabilities);
      const loss = { dtype, N: 3, V: 7, ignoreIndex: -100, zLoss: 0 };
      const at = { logits: 0, targets: 0, loss: 0, lse: 0, dLoss: 0, dLogits: 0 };
      yield planCrossEntropy({ ...loss, offsets: at }, gpu.capabilities);
      yield planCrossEntropyBackward({ ...loss, isInPlace: flag, offsets: at }, gpu.capabilities);
      for (const kind of ['uniform', 'normal', 'dropout'] as const) {
        const random = { kind, dtype, size: 9, seed: 1, offset: 0, isInPlace: flag };
        yield planRandom({ ...random, offsets: zeros }, gpu.capabilities);
      }
      const adam = { lr: 1, beta1: 0, beta2: 0, eps: 0, weightDecay: 0, biasCorrection1: 1, biasCorrection2: 1 };
      const offsets = { param: 0, grad: 0, m: 0, v: 0, scale: flag ? 0 : null };
      yield planAdamW({ ...adam, gradDtype: dtype, size: 9, offsets }, gpu.capabilities);
    }
    yield planSumSquares({ arrays: [{ dtype, size: 9, offset: 0 }], outOffset: 0 }, gpu.capabilities);
    for (const I of [3, 8]) {
      yield planGather({ dtype, R: 2, N: 5, I, J: 7, offsets: zeros }, gpu.capabilities);
      const adjoint = { dOutDtype: dtype, dxDtype: dtype, R: 2, N: 5, I, J: I === 8 ? 8 : 7, offsets: zeros };
      yield planGatherBackward(adjoint, gpu.capabilities);
    }
  }
}

describe('every specialisation compiles', () => {
  const groups = { elementwisePlans, copyPlans, reducePlans, rowPlans, otherPlans };
  it.each(Object.entries(groups))('%s [null]', async (_name, plans) => {
    expect(await compileAll(gpu.device, plans())).toBeGreaterThan(10);
  });
});
