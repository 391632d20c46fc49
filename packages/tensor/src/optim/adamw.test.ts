import { describe, expect, it } from 'vitest';
import { asParameter, backward } from '../core/autograd.ts';
import { type ParameterRole, parameterRoles } from '../core/parameter-role.ts';
import { tidy } from '../core/scope.ts';
import { tensor } from '../ops/creation.ts';
import { mul } from '../ops/elementwise.ts';
import { sum } from '../ops/reductions.ts';
import { broadcastTo } from '../ops/views.ts';
import { testDevice } from '../testing/test-device.ts';
import { AdamW } from './adamw.ts';
import { clipGradNorm } from './clip-grad-norm.ts';

const device = testDevice({ device: 'reference' });

const numbers = async (x: { data(): Promise<ArrayLike<number>> }): Promise<number[]> => Array.from(await x.data());

/** One parameter matrix whose gradient is `slope` in every step. */
function fixture(slope: number[], options: { weightDecay?: number } = {}) {
  const weight = asParameter(tensor([[1, -2, 0.5]]));
  const optimizer = new AdamW({ weight }, { lr: 0.1, betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0, ...options });
  const grow = (): void => tidy(() => backward(sum(mul(weight, tensor([slope])))));
  return { weight, optimizer, grow };
}

describe('AdamW', () => {
  it('follows the published recurrence for three steps [reference]', async () => {
    const { weight, optimizer, grow } = fixture([0.3, -1, 4], { weightDecay: 0.1 });
    // The algorithm of Loshchilov and Hutter, in plain numbers.
    const expected = [1, -2, 0.5].map((start, i) => {
      const g = [0.3, -1, 4][i];
      let [w, m, v] = [start, 0, 0];
      for (let t = 1; t <= 3; t++) {
        m = 0.9 * m + 0.1 * g;
        v = 0.99 * v + 0.01 * g * g;
        w -= 0.1 * 0.1 * w;
        w -= (0.1 * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.99 ** t)) + 1e-8);
      }
      return w;
    });
    for (let step = 0; step < 3; step++) {
      optimizer.zeroGrad();
      grow();
      optimizer.step();
    }
    (await numbers(weight)).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 10));
  });

  it('decays by role, and parameters without one by rank and name; refuses unknown roles [reference]', async () => {
    const shrinks = async (name: string, shape: number[], role?: ParameterRole): Promise<boolean> => {
      const parameter = asParameter(tensor(new Float32Array(2).fill(8), { shape }), role);
      using optimizer = new AdamW({ [name]: parameter }, { lr: 0.1, weightDecay: 1 });
      parameter.grad = tensor(new Float32Array(2), { shape });
      optimizer.step();
      return (await numbers(parameter))[0] < 8;
    };
    for (const role of parameterRoles) {
      const wanted = role === 'matrix' || role === 'output';
      for (const shape of [[2], [1, 2]]) expect(await shrinks('embed.norm', shape, role)).toBe(wanted);
    }
    expect(await shrinks('weight', [1, 2])).toBe(true);
    expect(await shrinks('weight', [2])).toBe(false);
    expect(await shrinks('embed.weight', [1, 2])).toBe(false);
    expect(() => asParameter(tensor([1]), 'gate' as never)).toThrow(/role must be/);
    const gate = asParameter(tensor([[1]]));
    gate.role = 'gate' as never;
    expect(() => new AdamW({ gate }, { lr: 0.1 })).toThrow(/parameter role: .* got 'gate'/);
  });

  it('resumes from its state bit for bit [reference]', async () => {
    const whole = fixture([1, 2, 3]);
    const first = fixture([1, 2, 3]);
    const steps = (run: ReturnType<typeof fixture>, n: number): void => {
      for (let i = 0; i < n; i++) {
        run.optimizer.zeroGrad();
        run.grow();
        run.optimizer.step();
      }
    };
    steps(whole, 5);
    steps(first, 2);
    const second = new AdamW({ weight: first.weight }, { lr: 0.1, betas: [0.9, 0.99], weightDecay: 0 });
    second.loadState(first.optimizer.state(), first.optimizer.stepCount);
    steps({ ...first, optimizer: second }, 3);
    expect(await numbers(first.weight)).toEqual(await numbers(whole.weight));
    expect(() => second.loadState({}, 1)).toThrow(/weight\.m/);
  });

  it('resumes the step counts of parameters that sometimes lacked a gradient [reference]', async () => {
    const make = () => {
      const run = fixture([1, 2, 3]);
      const idle = asParameter(tensor([1]));
      return { ...run, idle, optimizer: new AdamW({ weight: run.weight, idle }, { lr: 0.1, betas: [0.9, 0.99] }) };
    };
    const [whole, first] = [make(), make()];
    const step = (run: ReturnType<typeof make>, optimizer: AdamW, hasGradient: boolean): void => {
      optimizer.zeroGrad();
      backward(tidy(() => sum(mul(hasGradient ? run.weight : run.idle, 2))));
      optimizer.step();
    };
    for (const hasGradient of [true, false, false, true]) step(whole, whole.optimizer, hasGradient);
    for (const hasGradient of [true, false]) step(first, first.optimizer, hasGradient);
    expect(first.optimizer.laggingStepCounts).toEqual({ weight: 1, idle: 1 });
    const second = new AdamW({ weight: first.weight, idle: first.idle }, { lr: 0.1, betas: [0.9, 0.99] });
    second.loadState(first.optimizer.state(), first.optimizer.stepCount, first.optimizer.laggingStepCounts);
    for (const hasGradient of [false, true]) step(first, second, hasGradient);
    for (const name of ['weight', 'idle'] as const) {
      expect(await numbers(first[name])).toEqual(await numbers(whole[name]));
    }
  });

  it('refuses a tensor under two names, and one that repeats elements [reference]', () => {
    const w = asParameter(tensor([1, 2]));
    const twice = { w, tied: w };
    expect(() => new AdamW(twice, { lr: 0.1 })).toThrow(
      /adamw: params must hold each tensor once, got one as w and as tied/,
    );
    expect(() => clipGradNorm(twice, 1)).toThrow(/hold each tensor once/);
    const wide = asParameter(broadcastTo(tensor([1, 2]), [3, 2]));
    expect(() => new AdamW({ wide }, { lr: 0.1 })).toThrow(/must not repeat elements, got the expanded view wide/);
  });

  it('clips by the global norm and skips a step with a broken gradient [reference]', async () => {
    const { weight, optimizer, grow } = fixture([3, 4, 0]);
    grow();
    const { norm, gradScale } = clipGradNorm({ weight }, 1);
    expect(await norm.item()).toBeCloseTo(5, 6);
    expect(await gradScale.item()).toBeCloseTo(0.2, 5);
    expect(await clipGradNorm({ weight }, Infinity, 0.5).gradScale.item()).toBeCloseTo(0.5, 6);
    device().backend.fill(weight.grad!.view, Number.POSITIVE_INFINITY);
    const before = await numbers(weight);
    optimizer.step({ gradScale: clipGradNorm({ weight }, 1).gradScale });
    expect(await numbers(weight)).toEqual(before);
  });
});
