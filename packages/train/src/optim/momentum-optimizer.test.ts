import { readFileSync } from 'node:fs';
import { asParameter, init, type NamedTensors, type Optimizer, type Tensor, tensor } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { Lion } from './lion.ts';
import { SGD, type SgdOptions } from './sgd.ts';

interface TorchCase {
  readonly lr: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
  readonly start: number[];
  readonly grads: (number[] | null)[];
  readonly f32: number[];
  readonly f64: number[];
}

const file = new URL('../../test/torch-sgd/cases.json', import.meta.url);
const cases: readonly TorchCase[] = JSON.parse(readFileSync(file, 'utf8'));

/** The weights `[2, 3]` after a step for each gradient. */
async function train(
  kind: 'reference' | 'cpu',
  create: (params: NamedTensors) => Optimizer,
  start: readonly number[],
  grads: readonly (readonly number[] | null)[],
): Promise<number[]> {
  using device = await init({ device: kind, threads: 1 });
  const make = (values: readonly number[]): Tensor => tensor(Float64Array.from(values), { shape: [2, 3], device });
  const weight = asParameter(make(start), 'matrix');
  const optimizer = create({ weight });
  const one = tensor(1, { device });
  for (const values of grads) {
    weight.grad?.dispose();
    weight.grad = values && make(values);
    optimizer.step({ gradScale: one });
  }
  return Array.from(await weight.data());
}

const largest = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

const sgd =
  ({ lr, momentum, nesterov, weightDecay }: SgdOptions) =>
  (params: NamedTensors): Optimizer =>
    new SGD(params, { lr, momentum, nesterov, weightDecay });

describe('sgd', () => {
  it.each(cases.map((it, n) => [n, it] as const))('is torch.optim.SGD, random case %i', async (_, it) => {
    expect(largest(await train('reference', sgd(it), it.start, it.grads), it.f64)).toBeLessThan(1e-12);
    const size = Math.max(1, ...it.f64.map(Math.abs));
    const allowed = 2 * largest(it.f32, it.f64) + size * 2 ** -22;
    expect(largest(await train('cpu', sgd(it), it.start, it.grads), it.f64)).toBeLessThanOrEqual(allowed);
  });

  it('refuses Nesterov without momentum', async () => {
    using device = await init({ device: 'reference' });
    const weight = asParameter(tensor([1], { device }));
    expect(() => new SGD({ weight }, { lr: 0.1, nesterov: true })).toThrow(/sgd: nesterov needs/);
  });
});

describe('lion', () => {
  it('is algorithm 2 of the paper, in f64', async () => {
    for (const { lr, weightDecay, start, grads } of cases) {
      const betas = [0.9, 0.99] as const;
      const m = start.map(() => 0);
      const w = [...start];
      for (const g of grads) {
        if (g === null) continue;
        for (let i = 0; i < w.length; i++) {
          const c = betas[0] * m[i] + (1 - betas[0]) * g[i];
          w[i] -= lr * (Math.sign(c) + weightDecay * w[i]);
          m[i] = betas[1] * m[i] + (1 - betas[1]) * g[i];
        }
      }
      const rule = (params: NamedTensors): Optimizer => new Lion(params, { lr, betas, weightDecay });
      expect(largest(await train('reference', rule, start, grads), w)).toBeLessThan(1e-12);
      const size = Math.max(1, ...w.map(Math.abs));
      expect(largest(await train('cpu', rule, start, grads), w)).toBeLessThanOrEqual(size * 2 ** -20);
    }
  });
});

const kinds = {
  sgd: (params: NamedTensors): Optimizer => new SGD(params, { lr: 0.125, momentum: 0.75, weightDecay: 0.5 }),
  lion: (params: NamedTensors): Optimizer => new Lion(params, { lr: 0.125, betas: [0.75, 0.875], weightDecay: 0.5 }),
};

describe.each(Object.entries(kinds))('%s', (_, create) => {
  const gradients = [
    [1, -2, 0.5],
    [-0.25, 0.75, -3],
    [0.5, 0.5, -0.125],
  ];

  it('resumes from its state bit for bit [reference]', async () => {
    using device = await init({ device: 'reference' });
    const parameter = (values: ArrayLike<number>): Tensor =>
      asParameter(tensor(Float64Array.from(values), { device }), 'matrix');
    const step = (weight: Tensor, optimizer: Optimizer, values: readonly number[]): void => {
      weight.grad = tensor(Float64Array.from(values), { device });
      optimizer.step({});
      weight.grad.dispose();
      weight.grad = null;
    };
    const weight = parameter([1, 2, 3]);
    const whole = create({ weight });
    step(weight, whole, gradients[0]);
    const resumed = parameter(await weight.data());
    const second = create({ weight: resumed });
    second.loadState(whole.state(), whole.stepCount);
    for (const values of gradients.slice(1)) {
      step(weight, whole, values);
      step(resumed, second, values);
    }
    expect(Array.from(await resumed.data())).toEqual(Array.from(await weight.data()));
  });

  it('takes an f16 gradient for the numbers that it holds [cpu]', async () => {
    using device = await init({ device: 'cpu', threads: 1 });
    const weights: number[][] = [];
    for (const dtype of ['f32', 'f16'] as const) {
      const weight = asParameter(tensor([1, 2, 3], { device }), 'matrix');
      const optimizer = create({ weight });
      for (const values of gradients) {
        weight.grad?.dispose();
        weight.grad = tensor(values, { dtype, device });
        optimizer.step({});
      }
      weights.push(Array.from(await weight.data()));
    }
    expect(weights[1]).toEqual(weights[0]);
  });
});
