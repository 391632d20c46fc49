import {
  AdamW,
  asParameter,
  type Device,
  init,
  type NamedTensors,
  type Optimizer,
  type ParameterGroup,
  type Tensor,
  tensor,
} from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { combineOptimizers } from './combine-optimizers.ts';
import { Lion } from './lion.ts';
import { Muon } from './muon.ts';
import { SGD } from './sgd.ts';

const kinds = { AdamW, SGD, Lion, Muon };
type Kind = keyof typeof kinds;
const names = Object.keys(kinds) as Kind[];

describe.each(['reference', 'cpu'] as const)('parameter groups [%s]', (name) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: name, threads: 1 });
  });
  afterAll(() => device.destroy());

  /** Two matrices with gradients. */
  function parameters(): Record<'a' | 'b', Tensor> {
    const made = (seed: number): Tensor => {
      const values = (shift: number): Tensor =>
        tensor(
          Float32Array.from({ length: 6 }, (_, i) => Math.sin(seed + shift * i)),
          { shape: [2, 3], device },
        );
      const parameter = asParameter(values(1), 'matrix');
      parameter.grad = values(2);
      return parameter;
    };
    return { a: made(1), b: made(7) };
  }

  /** What three steps make of `pick` among the parameters. */
  async function after(pick: 'a' | 'b', create: (params: Record<'a' | 'b', Tensor>) => Optimizer): Promise<number[]> {
    const params = parameters();
    using optimizer = create(params);
    for (let step = 0; step < 3; step++) optimizer.step({ lrRatio: 1 / (step + 1) });
    return Array.from(await params[pick].data());
  }

  it.each(names)('updates each group as an optimiser of its own options would: %s', async (kind) => {
    const make = (params: NamedTensors, lr: number, weightDecay: number): Optimizer =>
      new kinds[kind](params, { lr, weightDecay });
    const grouped = ({ a, b }: Record<'a' | 'b', Tensor>): Optimizer =>
      new kinds[kind]([{ params: { a } }, { params: { b }, lr: 0.3, weightDecay: 0.5 }], { lr: 0.1, weightDecay: 0 });
    expect(await after('a', grouped)).toEqual(await after('a', ({ a }) => make({ a }, 0.1, 0)));
    expect(await after('b', grouped)).toEqual(await after('b', ({ b }) => make({ b }, 0.3, 0.5)));
    expect(await after('b', grouped)).not.toEqual(await after('b', ({ b }) => make({ b }, 0.1, 0)));
  });

  it.each(names)('a learning rate given at a step is that of groups without their own, and stays: %s', async (kind) => {
    const { a, b } = parameters();
    using optimizer = new kinds[kind]([{ params: { a } }, { params: { b }, lr: 0 }], { lr: 5, weightDecay: 0 });
    const [a0, b0] = [Array.from(await a.data()), Array.from(await b.data())];
    optimizer.step({ lr: 0 });
    optimizer.step();
    expect(optimizer.lr).toBe(0);
    expect(Array.from(await a.data())).toEqual(a0);
    optimizer.step({ lr: 0.5 });
    expect(Array.from(await a.data())).not.toEqual(a0);
    expect(Array.from(await b.data())).toEqual(b0);
  });

  it.each(names)('resumes from its state bit for bit, and frees gradients and state: %s', async (kind) => {
    const { a, b } = parameters();
    const before = device.memory().liveBytes;
    const groups: ParameterGroup<{ lr: number }>[] = [{ params: { a } }, { params: { b }, lr: 0.3 }];
    const first = new kinds[kind](groups, { lr: 0.1 });
    first.step();
    const saved = Object.entries(first.state()).map(([key, x]) => [key, x.alias()] as const);
    using second = new kinds[kind](groups, { lr: 0.1 });
    second.loadState(Object.fromEntries(saved), first.stepCount, first.laggingStepCounts);
    expect(second.stepCount).toBe(1);
    for (const [key, x] of Object.entries(second.state())) {
      expect(Array.from(await x.data())).toEqual(Array.from(await first.state()[key].data()));
    }
    for (const [, x] of saved) x.dispose();
    first.dispose();
    second.dispose();
    expect(device.memory().liveBytes).toBe(before);
    first.zeroGrad();
    expect([a.grad, b.grad]).toEqual([null, null]);
  });

  it.each(names)('refuses what is no group, a parameter in two, and a wrong option of a group: %s', (kind) => {
    const { a, b } = parameters();
    const make = (params: unknown, options: object = { lr: 0.1 }): Optimizer =>
      new kinds[kind](params as NamedTensors, options as { lr: number });
    expect(() => make([a, b])).toThrow(/params\[0\] must be a group .* got .*Give tensors by name/);
    expect(() => make([])).toThrow(/params must hold at least one tensor, got none/);
    expect(() => make([{ params: { a } }, { params: { a: b } }])).toThrow(
      /one group under a name of its own, got a twice/,
    );
    expect(() => make([{ params: { a } }, { params: { again: a } }])).toThrow(/got again twice/);
    expect(() => make([{ params: { a }, lr: -1 }])).toThrow(/lr must be a finite number >= 0, got -1/);
    expect(() => make([{ params: { a }, learningRate: 1 }])).toThrow(
      /unknown option learningRate.*Options must be among lr/,
    );
    expect(() => make({ a }, {})).toThrow(/lr must be given/);
  });

  it('Muon refuses what is no matrix and says who takes it; combined optimisers refuse one learning rate', async () => {
    const { a } = parameters();
    const bias = asParameter(tensor([1, 2], { device }), 'bias');
    expect(() => new Muon({ a, bias }, { lr: 0.02 })).toThrow(
      /muon: parameters must be matrices, got bias \[2\].*AdamW/,
    );
    const muon = new Muon({ a }, { lr: 0.02 });
    const both = combineOptimizers(muon, new AdamW({ bias }, { lr: 0.01 }));
    expect(() => combineOptimizers(both, muon)).toThrow(/one optimiser, got a in two/);
    expect(() => both.step({ lr: 1 })).toThrow(/lr must be left out, got 1.*lrRatio/);
    bias.grad = tensor([1, 1], { device });
    both.step({ lrRatio: 0.5 });
    expect(Object.keys(both.params)).toEqual(['a', 'bias']);
    expect(Object.keys(both.state())).toEqual(['a.momentum', 'bias.m', 'bias.v']);
    expect((await bias.data())[0]).toBeCloseTo(1 - 0.005, 6);
    both.dispose();
  });
});
