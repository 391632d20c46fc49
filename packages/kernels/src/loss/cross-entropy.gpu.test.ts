import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypesOf, openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, exact, expectClose, hostNumbers, ROUNDS, type Round } from '../../test/expect-close.ts';
import { randomArray } from '../testing/random.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planCrossEntropy, planCrossEntropyBackward } from './cross-entropy.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

const IGNORE = -100;
const TARGETS = [0, 2, IGNORE, 1, 4];
const D_LOSS = [0.5, -1, 3, 2, 0.25];
const N = TARGETS.length;

function reference(logits: readonly number[], V: number, zLoss: number, r: Round) {
  const result = { loss: [] as number[], lse: [] as number[], dLogits: [] as number[] };
  TARGETS.forEach((target, n) => {
    const row = logits.slice(n * V, (n + 1) * V);
    const largest = Math.max(...row);
    const logSum = r(Math.log(row.reduce((sum, x) => r(sum + r(Math.exp(r(x - largest)))), 0)));
    const lse = r(largest + logSum);
    const isIgnored = target === IGNORE;
    result.lse.push(largest, logSum);
    result.loss.push(
      isIgnored ? 0 : target < V ? r(r(logSum - r(row[target] - largest)) + r(zLoss * r(lse * lse))) : Number.NaN,
    );
    row.forEach((x, v) => {
      const p = r(r(Math.exp(r(r(x - largest) - logSum))) * r(1 + 2 * zLoss * lse));
      result.dLogits.push(isIgnored ? 0 : r(r(p - Number(v === target)) * D_LOSS[n]));
    });
  });
  return result;
}

describe('cross-entropy', () => {
  it.each([
    [5, 0],
    [257, 0.01],
    [1031, 0],
    [1028, 0.01],
  ])('over V=%i with zLoss=%f equals f64, with its gradient in place and not [webgpu]', async (V, zLoss) => {
    for (const dtype of dtypesOf(gpu)) {
      const logits = Array.from(randomArray(N * V, 13), (x) => ROUNDS[dtype](8 * x));
      const truth = reference(logits, V, zLoss, exact);
      const naive = reference(logits, V, zLoss, ROUNDS[dtype]);
      const own = { dtype, N, V, ignoreIndex: IGNORE, zLoss };
      const at = { logits: 0, targets: 0, lse: 0 };
      const targets = Int32Array.from(TARGETS);
      const device = deviceArray(logits, dtype);
      const forward = planCrossEntropy({ ...own, offsets: { ...at, loss: 0 } }, gpu.capabilities);
      const statistics = { loss: new Float32Array(N), lse: new Float32Array(2 * N) };
      const { loss, lse } = await runPlan(gpu.device, forward, { logits: device, targets, ...statistics });
      expectClose(loss, truth.loss, naive.loss);
      expectClose(lse, truth.lse, naive.lse);
      for (const isInPlace of [false, true]) {
        const offsets = { ...at, dLoss: 0, dLogits: 0 };
        const plan = planCrossEntropyBackward({ ...own, isInPlace, offsets }, gpu.capabilities);
        const given = { targets, lse: Float32Array.from(truth.lse), dLoss: Float32Array.from(D_LOSS) };
        const { dLogits } = await runPlan(gpu.device, plan, { logits: device, ...given, dLogits: device });
        expectClose(hostNumbers(dLogits), truth.dLogits, naive.dLogits, dtype);
      }
    }
  });

  it('gives NaN for a target outside the vocabulary and stays finite for large logits [webgpu]', async () => {
    const offsets = { logits: 0, targets: 0, lse: 0, loss: 0 };
    const plan = planCrossEntropy(
      { dtype: 'f32', N: 3, V: 2, ignoreIndex: IGNORE, zLoss: 0, offsets },
      gpu.capabilities,
    );
    const operands = { logits: Float32Array.of(0, 0, 0, 0, 1e4, -1e4), targets: Int32Array.of(2, -1, 1) };
    const { loss } = await runPlan(gpu.device, plan, {
      ...operands,
      loss: new Float32Array(3),
      lse: new Float32Array(6),
    });
    expect(Array.from(loss)).toEqual([Number.NaN, Number.NaN, 2e4]);
  });
});
