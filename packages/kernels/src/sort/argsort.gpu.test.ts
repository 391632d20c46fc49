import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypesOf, openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, ROUNDS } from '../../test/expect-close.ts';
import { randomArray } from '../testing/random.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planArgsort } from './argsort.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

/** By definition: a stable sort by the host. */
function sorted(x: ArrayLike<number>, rows: number, N: number, isDescending: boolean): number[] {
  const compare = (a: number, b: number): number => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return a - b;
  };
  return Array.from({ length: rows }, (_, r) =>
    Array.from({ length: N }, (_, i) => i).sort((i, j) => {
      const order = compare(x[r * N + i], x[r * N + j]);
      return isDescending ? -order : order;
    }),
  ).flat();
}

const SPECIAL = [Number.NaN, 0, -0, 1, -1, Infinity, -Infinity, 0.5];

describe('argsort', () => {
  it.each([
    [1, 1],
    [3, 2],
    [5, 7],
    [2, 64],
    [3, 300],
    [1, 5000],
  ])('of %i rows of %i sorts by value and then by place, NaN as the largest [webgpu]', async (rows, N) => {
    for (const isDescending of [false, true]) {
      const own = { rows, N, isDescending, offset: 2, outOffset: 3 };
      for (const dtype of dtypesOf(gpu)) {
        // Few different values: equal ones must keep their order.
        const x = Array.from(randomArray(rows * N + 2, 31), (v, i) =>
          ROUNDS[dtype](i % 5 === 0 ? SPECIAL[(i / 5) % SPECIAL.length] : Math.round(v * 64) / 64),
        );
        const operands = { x: deviceArray(x, dtype), out: new Int32Array(rows * N + 3) };
        const { out } = await runPlan(gpu.device, planArgsort({ ...own, dtype }, gpu.capabilities), operands);
        expect(Array.from(out.slice(3))).toEqual(sorted(x.slice(2), rows, N, isDescending));
      }
      for (const dtype of ['i32', 'u32'] as const) {
        const words = Uint32Array.from(randomArray(rows * N + 2, 32), (v) => Math.round(v * 20) * 2 ** 28);
        const x = dtype === 'i32' ? new Int32Array(words.buffer) : words;
        const operands = { x, out: new Int32Array(rows * N + 3) };
        const { out } = await runPlan(gpu.device, planArgsort({ ...own, dtype }, gpu.capabilities), operands);
        expect(Array.from(out.slice(3))).toEqual(sorted(x.slice(2), rows, N, isDescending));
      }
    }
  });
});
