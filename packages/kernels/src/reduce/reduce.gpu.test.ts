import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypesOf, openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, exact, expectClose, hostNumbers, ROUNDS, type Round } from '../../test/expect-close.ts';
import { randomArray } from '../testing/random.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planArgmax } from './argmax.ts';
import { planReduce } from './reduce.ts';
import type { Reduction } from './reduce-pass.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

/** Reduces x[rows, columns, depth] over the axes, one addition after the other. */
function reference(op: Reduction, x: ArrayLike<number>, shape: number[], axes: number[], round: Round): number[] {
  const [rows, columns, depth] = shape;
  const kept = (index: number, axis: number) => (axes.includes(axis) ? 0 : index);
  const extent = (axis: number) => (axes.includes(axis) ? 1 : shape[axis]);
  const start = { sum: 0, sumSquares: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY }[op];
  const out = Array.from({ length: extent(0) * extent(1) * extent(2) }, () => start);
  for (let i = 0; i < rows * columns * depth; i++) {
    const at = [Math.floor(i / columns / depth), Math.floor(i / depth) % columns, i % depth].map(kept);
    const o = (at[0] * extent(1) + at[1]) * extent(2) + at[2];
    if (op === 'sum') out[o] = round(out[o] + x[i]);
    else if (op === 'sumSquares') out[o] = round(out[o] + round(x[i] * x[i]));
    else out[o] = op === 'max' ? Math.max(out[o], x[i]) : Math.min(out[o], x[i]);
  }
  return out;
}

async function reduce(op: Reduction, x: Float32Array, shape: number[], axes: number[], dtype: 'f32' | 'f16') {
  const strides = [shape[1] * shape[2], shape[2], 1];
  const out = { dtype: 'f32' as const, offset: 0 };
  const plan = planReduce({ op, shape, axes, x: { dtype, strides, offset: 0 }, out }, gpu.capabilities);
  const size = shape.reduce((product, extent, axis) => product * (axes.includes(axis) ? 1 : extent), 1);
  const operands = { x: deviceArray(x, dtype), out: new Float32Array(size) };
  const first = await runPlan(gpu.device, plan, operands);
  expect((await runPlan(gpu.device, plan, operands)).out).toEqual(first.out);
  return hostNumbers(first.out);
}

describe('reduce', () => {
  it.each([
    [[3, 5, 7], [0]],
    [[3, 5, 7], [1]],
    [[3, 5, 7], [2]],
    [
      [3, 5, 7],
      [0, 2],
    ],
    [
      [3, 5, 7],
      [0, 1, 2],
    ],
    [[3, 5, 7], []],
    [[1, 1, 9001], [2]],
    [[4099, 3, 1], [0]],
    [[2, 300, 65], [1]],
    [[1, 600, 33], [1]],
    [[512, 67, 1], [0]],
    [[513, 67, 1], [0]],
    [[517, 1, 1544], [0]],
    [[3001, 1, 16], [0]],
    [[32, 9, 8], [0]],
  ])('of %j over axes %j equals f64, twice the same bits [webgpu]', async (shape, axes) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    for (const dtype of dtypesOf(gpu)) {
      // Mostly positive: a sum that cancels would have no scale to measure its error by.
      const x = randomArray(size, 5).map((value) => ROUNDS[dtype](value + 0.5));
      for (const op of ['sum', 'max', 'min', 'sumSquares'] as const) {
        const truth = reference(op, x, shape, axes, exact);
        expectClose(await reduce(op, x, shape, axes, dtype), truth, reference(op, x, shape, axes, Math.fround));
      }
    }
  });

  it('sums columns in one pass: any up to 512 rows, those on multiples of 16 bytes up to 32,768 [webgpu]', () => {
    const passesOf = (rows: number, stride: number) => {
      const [x, out] = [[stride, 1], [1]].map((strides) => ({ dtype: 'f32' as const, strides, offset: 0 }));
      return planReduce({ op: 'sum', shape: [rows, 768], axes: [0], x, out }, gpu.capabilities).passes.length;
    };
    expect([60, 512, 513].map((rows) => passesOf(rows, 769))).toEqual([1, 1, 2]);
    expect([60, 32768, 32769].map((rows) => passesOf(rows, 768))).toEqual([1, 1, 2]);
  });

  it('adds sums of columns to what is there, from rows further apart, in f16 and f32 [webgpu]', async () => {
    const [rows, columns, stride, offset] = [77, 24, 40, 8];
    const x = randomArray(rows * stride + offset, 3);
    const before = randomArray(columns + 2, 4);
    for (const dtype of dtypesOf(gpu)) {
      const out = { dtype: 'f32' as const, offset: 2 };
      const from = { dtype, strides: [stride, 1], offset };
      const problem = { op: 'sum', shape: [rows, columns], axes: [0], x: from, out, accumulate: true } as const;
      const operands = { x: deviceArray(x, dtype), out: before.slice() };
      const plan = planReduce(problem, gpu.capabilities);
      expect(plan.passes.map(({ label }) => label)).toEqual([`column-sums ${dtype} x1`]);
      const result = hostNumbers((await runPlan(gpu.device, plan, operands)).out);
      const sums = (round: Round) =>
        Array.from({ length: columns }, (_, c) =>
          Array.from({ length: rows }, (_, r) => ROUNDS[dtype](x[offset + r * stride + c])).reduce(
            (sum, value) => round(sum + value),
            before[c + 2],
          ),
        );
      expect(result.slice(0, 2)).toEqual([...before.slice(0, 2)]);
      expectClose(result.slice(2), sums(exact), sums(Math.fround));
    }
  });

  it('gives the identity for nothing, and passes NaN on [webgpu]', async () => {
    const none = new Float32Array(0);
    expect(await reduce('sum', none, [1, 0, 3], [1], 'f32')).toEqual([0, 0, 0]);
    expect(await reduce('max', none, [1, 0, 1], [1], 'f32')).toEqual([Number.NEGATIVE_INFINITY]);
    const x = Float32Array.of(1, Number.NaN, 2, 5, 4, 3);
    expect(await reduce('max', x, [1, 2, 3], [2], 'f32')).toEqual([Number.NaN, 5]);
    expect(await reduce('min', x, [1, 2, 3], [2], 'f32')).toEqual([Number.NaN, 3]);
    expect(await reduce('sum', x, [1, 2, 3], [2], 'f32')).toEqual([Number.NaN, 12]);
  });

  it('adds integers exactly [webgpu]', async () => {
    const x = Int32Array.from({ length: 1000 }, (_, i) => i * 100_003);
    const operand = { dtype: 'i32', strides: [1], offset: 0 } as const;
    const plan = planReduce({ op: 'sum', shape: [1000], axes: [0], x: operand, out: operand }, gpu.capabilities);
    const { out } = await runPlan(gpu.device, plan, { x, out: new Int32Array(1) });
    expect(out[0]).toBe(x.reduce((sum, value) => (sum + value) | 0, 0));
  });
});

describe('argmax', () => {
  it('takes the first maximum, a NaN counting as the largest [webgpu]', async () => {
    const rows = [
      [1, 5, 5, 2, 0],
      [Number.NaN, -3, Number.NaN, -2, -9],
      [Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN],
      [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0],
      [1, Number.POSITIVE_INFINITY, 3, Number.NaN, 4],
    ];
    const plan = planArgmax({ dtype: 'f32', rows: 5, N: 5, offset: 0, outOffset: 0 }, gpu.capabilities);
    const { out } = await runPlan(gpu.device, plan, { x: Float32Array.from(rows.flat()), out: new Int32Array(5) });
    expect(Array.from(out)).toEqual([1, 0, 0, 2, 3]);
  });

  it('finds the maximum of rows longer than a workgroup [webgpu]', async () => {
    const x = randomArray(3 * 1031, 3);
    const plan = planArgmax({ dtype: 'f32', rows: 3, N: 1031, offset: 0, outOffset: 0 }, gpu.capabilities);
    const { out } = await runPlan(gpu.device, plan, { x, out: new Int32Array(3) });
    const expected = [0, 1, 2].map((row) => {
      const values = x.subarray(row * 1031, (row + 1) * 1031);
      return values.indexOf(Math.max(...values));
    });
    expect(Array.from(out)).toEqual(expected);
  });
});
