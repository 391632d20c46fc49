import { asParameter, assign, type Device, init, type ParameterRole, type Tensor, tensor } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunConfig } from '../config/run-config.ts';
import { createOptimizer, optimizerStateBytes } from './create-optimizer.ts';
import { isOrthogonalized } from './is-orthogonalized.ts';
import { optimizerKinds } from './optimizer-kinds.ts';

const kinds = optimizerKinds;

const settings: RunConfig['optimizer'] = {
  kind: 'adamw',
  lr: 0.1,
  betas: [0.9, 0.99],
  eps: 1e-8,
  weightDecay: 0.1,
  clipNorm: 1,
  muonLr: 0.05,
  muonMomentum: 0.9,
  sgdMomentum: 0.9,
  sgdNesterov: false,
  lionBetas: [0.9, 0.99],
};

describe.each(['reference', 'cpu'] as const)('createOptimizer [%s]', (name) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: name });
  });
  afterAll(() => device.destroy());

  /** A matrix and a vector with gradients. */
  function parameters(): Record<string, Tensor> {
    const params = {
      'blocks.0.weight': asParameter(
        tensor(
          [
            [1, -2, 0.5],
            [3, 0.25, -1],
          ],
          { device },
        ),
      ),
      'norm.weight': asParameter(tensor([1, -1], { device })),
    };
    return params;
  }

  async function step(kind: (typeof kinds)[number], scale: number): Promise<number[]> {
    const params = parameters();
    const optimizer = createOptimizer(params, { ...settings, kind });
    for (const [n, parameter] of Object.values(params).entries()) {
      const gradient = tensor(
        Float32Array.from({ length: parameter.size }, (_, i) => Math.sin(3 * i + n) / 2),
        { shape: parameter.shape, device },
      );
      assign(parameter.gradDestination!, gradient);
      parameter.grad = parameter.gradDestination!.alias();
      gradient.dispose();
    }
    const gradScale = tensor(scale, { device });
    optimizer.step({ gradScale });
    const after: number[] = [];
    for (const tensors of [params, optimizer.state()]) {
      for (const values of Object.values(tensors)) after.push(...(await values.data()));
    }
    gradScale.dispose();
    optimizer.dispose();
    for (const parameter of Object.values(params)) parameter.dispose();
    return after;
  }

  it.each(kinds)('changes neither parameters nor state when the gradients are not finite: %s', async (kind) => {
    const start = await Promise.all(Object.values(parameters()).map(async (x) => [...(await x.data())]));
    const flat = start.flat();
    for (const scale of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const after = await step(kind, scale);
      expect(after.slice(0, flat.length)).toEqual(flat);
      expect(after.slice(flat.length).every((value) => value === 0)).toBe(true);
    }
    const moved = await step(kind, 1);
    expect(moved.every(Number.isFinite)).toBe(true);
    for (const [i, value] of flat.entries()) expect(moved[i]).not.toBe(value);
  });

  it('gives each kind its own rule, and refuses a kind that is none', async () => {
    const results = new Map<string, number[]>();
    for (const kind of kinds) results.set(kind, await step(kind, 1));
    const [adamw, muon] = [results.get('adamw')!, results.get('muon')!];
    expect(new Set([...results.values()].map((values) => `${values.slice(0, 6)}`)).size).toBe(kinds.length);
    // Vectors are AdamW's in both.
    expect(muon.slice(6, 8)).toEqual(adamw.slice(6, 8));
    for (const ask of [createOptimizer, optimizerStateBytes]) {
      expect(() => ask(parameters(), { ...settings, kind: 'adam' as never })).toThrow(/optimizer.kind.*adam/);
    }
  });

  it.each(kinds)('neither decays nor orthogonalises a [1, 1] parameter that is a scalar: %s', async (kind) => {
    const moved = async (role: ParameterRole, shape: number[]): Promise<number> => {
      const gate = asParameter(tensor(Float32Array.of(8), { shape, device }), role);
      const optimizer = createOptimizer({ gate }, { ...settings, kind, weightDecay: 5 });
      gate.grad = tensor(Float32Array.of(1), { shape, device });
      const gradScale = tensor(1, { device });
      optimizer.step({ gradScale });
      const [value] = await gate.data();
      for (const each of [gradScale, gate.grad, gate]) each.dispose();
      optimizer.dispose();
      return value;
    };
    // The first step of AdamW, SGD and Lion is lr against a gradient of 1; decay would take 8 * lr * weightDecay = 4 more.
    expect(await moved('scalar', [1, 1])).toBeCloseTo(7.9, 5);
    expect(await moved('scalar', [1])).toBeCloseTo(7.9, 5);
    expect(await moved('matrix', [1, 1])).toBeLessThan(6.5);
  });
});

describe('isOrthogonalized', () => {
  it('goes by the role, whatever the rank and name; without one by rank and name; refuses unknown roles', () => {
    expect(isOrthogonalized('lm_head.weight', { role: 'matrix', rank: 2 })).toBe(true);
    for (const role of ['output', 'embedding', 'norm', 'bias', 'vector', 'scalar'] as const) {
      expect(isOrthogonalized('blocks.0.weight', { role, rank: 2 })).toBe(false);
    }
    expect(isOrthogonalized('blocks.0.weight', { role: null, rank: 2 })).toBe(true);
    expect(isOrthogonalized('blocks.0.weight', { role: null, rank: 1 })).toBe(false);
    for (const name of ['lm_head.weight', 'embed.weight']) {
      expect(isOrthogonalized(name, { role: null, rank: 2 })).toBe(false);
    }
    expect(() => isOrthogonalized('gate', { role: 'gate' as never, rank: 2 })).toThrow(/parameter role.*gate/);
  });
});
