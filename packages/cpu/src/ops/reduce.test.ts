import { describe, expect, it } from 'vitest';
import { expectAccurate, onEveryThreadCount, place, room, take, wave } from '../../test/test-runtime.ts';
import { argmaxReference, exact, reduceReference, toF32 } from '../reference/index.ts';
import { fill } from './elementwise.ts';
import { argmax, reduce } from './reduce.ts';

const shapes: { shape: number[]; axes: number[] }[] = [
  { shape: [7], axes: [0] },
  { shape: [5, 67], axes: [1] },
  { shape: [67, 5], axes: [0] },
  { shape: [3, 67, 5], axes: [0, 2] },
  { shape: [3, 5, 7, 2], axes: [1, 3] },
  { shape: [300, 257], axes: [0] },
  { shape: [3, 9001], axes: [0, 1] },
  { shape: [9001, 6], axes: [0] },
  { shape: [4, 1, 3], axes: [1] },
];

describe('reduce', () => {
  for (const op of ['sum', 'max', 'min', 'sumSquares'] as const) {
    for (const { shape, axes } of shapes) {
      it(`${op} equals f64 [${shape}] over axes ${axes} [cpu]`, async () => {
        // Off centre: a sum that cancels to nothing says nothing about the kernel.
        const x = wave(shape.reduce((a, b) => a * b)).map((value) => Math.fround(value + 0.5));
        const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
        const [out] = await onEveryThreadCount((runtime) => {
          const result = room(runtime, kept);
          reduce(runtime, op, place(runtime, x, shape), axes, result);
          return [take(runtime, result)];
        });
        const [truth, naive] = [exact, toF32].map((round) => reduceReference(op, x, shape, axes, round));
        expectAccurate(out, truth, naive);
      });
    }
  }

  it('sums integers exactly and empty arrays to 0 [cpu]', async () => {
    const [sums, empty] = await onEveryThreadCount((runtime) => {
      const out = room(runtime, [1, 1], 'i32');
      reduce(runtime, 'sum', place(runtime, [16777217, 2, -5, 1], [2, 2], 'i32'), [0, 1], out);
      const none = room(runtime, [3, 1]);
      reduce(runtime, 'sum', place(runtime, [], [3, 0]), [1], none);
      return [take(runtime, out), take(runtime, none)];
    });
    expect([...sums]).toEqual([16777215]);
    expect([...empty]).toEqual([0, 0, 0]);
  });

  it('sums four million equal numbers to 1e-6, as rows, columns and one result [cpu]', async () => {
    const [rows, columns] = [1024, 4096];
    const results = await onEveryThreadCount((runtime) => {
      const x = room(runtime, [rows, columns]);
      fill(runtime, x, 0.1);
      return [[0, 1], [0], [1]].map((axes) => {
        const out = room(runtime, [axes.includes(0) ? 1 : rows, axes.includes(1) ? 1 : columns]);
        reduce(runtime, 'sum', x, axes, out);
        return take(runtime, out);
      });
    });
    const value = Math.fround(0.1);
    const counts = [rows * columns, rows, columns];
    results.forEach((sums, i) => {
      for (const sum of sums) expect(Math.abs(sum / (counts[i] * value) - 1)).toBeLessThan(1e-6);
    });
  });

  it('passes NaN on from any place [cpu]', async () => {
    const [sum, max] = await onEveryThreadCount((runtime) => {
      const x = place(runtime, wave(37).fill(NaN, 18, 19), [37]);
      return (['sum', 'max'] as const).map((op) => {
        const out = room(runtime, [1]);
        reduce(runtime, op, x, [0], out);
        return take(runtime, out);
      });
    });
    expect([...sum, ...max]).toEqual([NaN, NaN]);
  });
});

describe('argmax', () => {
  it('takes the first of equal values, at every row length [cpu]', async () => {
    const x = wave(7 * 513).map((value) => Math.round(value * 20));
    const [out] = await onEveryThreadCount((runtime) => {
      const result = room(runtime, [7], 'i32');
      argmax(runtime, place(runtime, x, [7, 513]), result);
      return [take(runtime, result)];
    });
    expect(out).toEqual(argmaxReference(x, 513));
  });
});
