import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypesOf, openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, exact, expectClose, hostNumbers, ROUNDS, type Round } from '../../test/expect-close.ts';
import { randomArray } from '../testing/random.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planSoftmax, planSoftmaxBackward } from './softmax.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

function softmaxRow(x: readonly number[], isLog: boolean, r: Round): number[] {
  const largest = Math.max(...x);
  const exps = x.map((value) => r(Math.exp(r(value - largest))));
  const sum = exps.reduce((total, e) => r(total + e), 0);
  return isLog ? x.map((value) => r(r(value - largest) - r(Math.log(sum)))) : exps.map((e) => r(e / sum));
}

function backwardRow(y: readonly number[], dy: readonly number[], isLog: boolean, r: Round): number[] {
  const sum = dy.reduce((total, g, i) => r(total + (isLog ? g : r(g * y[i]))), 0);
  return dy.map((g, i) => (isLog ? r(g - r(r(Math.exp(y[i])) * sum)) : r(y[i] * r(g - sum))));
}

function byRow(N: number, f: (row: number) => number[]): number[] {
  return Array.from({ length: 3 }, (_, row) => f(row * N)).flat();
}

describe.each([false, true])('softmax, log %s', (isLog) => {
  it.each([1, 31, 128, 129, 1020, 1021])('of rows of %i equals f64, with its gradient [webgpu]', async (N) => {
    for (const dtype of dtypesOf(gpu)) {
      const round = ROUNDS[dtype];
      const x = Array.from(randomArray(3 * N, 7), (value) => round(20 * value));
      const own = { dtype, rows: 3, N, isLog };
      const forward = planSoftmax({ ...own, offsets: { x: 0, out: 0 } }, gpu.capabilities);
      const zeros = deviceArray(new Float32Array(3 * N), dtype);
      const result = await runPlan(gpu.device, forward, { x: deviceArray(x, dtype), out: zeros });
      const rows = (r: Round) => byRow(N, (at) => softmaxRow(x.slice(at, at + N), isLog, r));
      expectClose(hostNumbers(result.out), rows(exact), rows(round), dtype);

      const y = rows(round);
      const dy = Array.from(randomArray(3 * N, 8), round);
      const backward = planSoftmaxBackward({ ...own, offsets: { y: 0, dy: 0, dx: 0 } }, gpu.capabilities);
      const operands = { y: deviceArray(y, dtype), dy: deviceArray(dy, dtype), dx: zeros };
      const gradient = (r: Round) => byRow(N, (at) => backwardRow(y.slice(at, at + N), dy.slice(at, at + N), isLog, r));
      const { dx } = await runPlan(gpu.device, backward, operands);
      expectClose(hostNumbers(dx), gradient(exact), gradient(round), dtype);
    }
  });

  it('survives rows of -Infinity and large logits [webgpu]', async () => {
    const x = Float32Array.of(-Infinity, -Infinity, -Infinity, -Infinity, 1e4, -1e4);
    const plan = planSoftmax({ dtype: 'f32', rows: 3, N: 2, isLog, offsets: { x: 0, out: 0 } }, gpu.capabilities);
    const { out } = await runPlan(gpu.device, plan, { x, out: new Float32Array(6) });
    const never = isLog ? -Infinity : 0;
    expect(Array.from(out)).toEqual([never, never, never, never, isLog ? 0 : 1, isLog ? -2e4 : 0]);
  });
});
