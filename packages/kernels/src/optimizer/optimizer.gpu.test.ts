import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, exact, expectClose, hostNumbers, ROUNDS, type Round } from '../../test/expect-close.ts';
import { randomArray } from '../testing/random.ts';
import { type OperandArray, runPlan } from '../testing/run-plan.ts';
import { planAdamW } from './adamw.ts';
import { planSumSquares } from './sum-squares.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

const NUMBERS = {
  lr: 0.01,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.1,
  biasCorrection1: 0.19,
  biasCorrection2: 0.0975,
};

type State = Record<'param' | 'grad' | 'm' | 'v', Float32Array>;

function state(size: number): State {
  const [param, grad, m, v] = [1, 2, 3, 4].map((seed) => randomArray(size, seed));
  return { param, grad, m: m.map((x) => 0.1 * x), v: v.map((x) => x * x) };
}

function reference({ param, grad, m, v }: State, scale: number, r: Round) {
  const { lr, beta1, beta2, eps, weightDecay, biasCorrection1, biasCorrection2 } = NUMBERS;
  const g = Array.from(grad, (x) => r(x * scale));
  const first = Array.from(m, (x, i) => r(r(beta1 * x) + r((1 - beta1) * g[i])));
  const second = Array.from(v, (x, i) => r(r(beta2 * x) + r((1 - beta2) * r(g[i] * g[i]))));
  const next = Array.from(param, (x, i) => {
    const direction = r(r(first[i] / biasCorrection1) / r(Math.sqrt(r(second[i] / biasCorrection2)) + eps));
    return r(x - r(lr * r(direction + r(weightDecay * x))));
  });
  return { param: next, m: first, v: second };
}

async function step(before: State, scale: number | null, gradDtype: 'f32' | 'f16' = 'f32') {
  const offsets = { param: 0, grad: 0, m: 0, v: 0, scale: scale === null ? null : 0 };
  const plan = planAdamW({ ...NUMBERS, gradDtype, size: before.param.length, offsets }, gpu.capabilities);
  const operands = { ...before, grad: deviceArray(before.grad, gradDtype), scale: Float32Array.of(scale ?? 1) };
  return runPlan(gpu.device, plan, operands);
}

describe('adamw', () => {
  it.each([
    [null, 261],
    [0.25, 261],
    [0.25, 260],
  ])('equals f64 with gradient scale %s on %i numbers [webgpu]', async (scale, size) => {
    const before = state(size);
    const after = await step(before, scale);
    const truth = reference(before, scale ?? 1, exact);
    const naive = reference(before, scale ?? 1, Math.fround);
    for (const name of ['param', 'm', 'v'] as const) expectClose(after[name], truth[name], naive[name]);
  });

  it('takes f16 gradients [webgpu f16]', async () => {
    const before = { ...state(260), grad: state(260).grad.map(ROUNDS.f16) };
    const { param } = await step(before, null, 'f16');
    expectClose(param, reference(before, 1, exact).param, reference(before, 1, Math.fround).param);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('changes nothing for a scale of %s [webgpu]', async (scale) => {
    const before = state(260);
    const { param, m, v } = await step(before, scale);
    expect({ param, m, v }).toEqual({ param: before.param, m: before.m, v: before.v });
  });
});

describe('sumSquares', () => {
  const run = async (sizes: readonly number[], dtypes: readonly ('f32' | 'f16')[]) => {
    const arrays = sizes.map((size, i) => ({ dtype: dtypes[i % dtypes.length], size, offset: 0 }));
    const values = sizes.map((size, i) => Array.from(randomArray(size, 30 + i), ROUNDS[arrays[i].dtype]));
    const operands: Record<string, OperandArray> = { out: new Float32Array(1) };
    values.forEach((list, i) => {
      operands[`x${i}`] = deviceArray(list, arrays[i].dtype);
    });
    const { out } = await runPlan(gpu.device, planSumSquares({ arrays, outOffset: 0 }, gpu.capabilities), operands);
    const total = (r: Round) => values.flat().reduce((sum, x) => r(sum + r(x * x)), 0);
    return { out: hostNumbers(out), truth: [total(exact)], naive: [total(Math.fround)] };
  };

  it.each([[[1]], [[5, 4097, 0, 300]], [[4, 9004, 4096, 300]], [[9, 8, 7, 6, 5, 4, 3, 2, 1]]])(
    'of arrays of %j equals f64 [webgpu]',
    async (sizes) => {
      const { out, truth, naive } = await run(sizes, ['f32']);
      expectClose(out, truth, naive);
    },
  );

  it('adds f32 and f16 arrays together [webgpu f16]', async () => {
    const { out, truth, naive } = await run([70, 50, 30], ['f32', 'f16']);
    expectClose(out, truth, naive);
  });

  it('adds nothing to 0 [webgpu]', async () => {
    expect((await run([], ['f32'])).out).toEqual([0]);
  });

  it('passes infinities and NaN on [webgpu]', async () => {
    const plan = planSumSquares({ arrays: [{ dtype: 'f32', size: 2, offset: 0 }], outOffset: 0 }, gpu.capabilities);
    for (const value of [Number.POSITIVE_INFINITY, Number.NaN]) {
      const { out } = await runPlan(gpu.device, plan, { x0: Float32Array.of(1, value), out: new Float32Array(1) });
      expect(out[0]).toBe(value);
    }
  });
});
