import { asParameter, type Device, init, type Tensor, tensor } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunConfig } from '../config/run-config.ts';
import { createOptimizer } from './create-optimizer.ts';

const kinds = ['adamw', 'muon'] as const;

const settings: RunConfig['optimizer'] = {
  kind: 'adamw',
  lr: 0.1,
  betas: [0.9, 0.99],
  eps: 1e-8,
  weightDecay: 0.1,
  clipNorm: 1,
  muonLr: 0.05,
  muonMomentum: 0.9,
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
      device.backend.copy(gradient.view, parameter.gradMemory!.view);
      parameter.grad = parameter.gradMemory!.alias();
      gradient.dispose();
    }
    const gradScale = tensor(scale, { device });
    optimizer.step(1, gradScale);
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
    const [adamw, muon] = [await step('adamw', 1), await step('muon', 1)];
    expect(muon.slice(0, 6)).not.toEqual(adamw.slice(0, 6));
    // Vectors are AdamW's in both.
    expect(muon.slice(6, 8)).toEqual(adamw.slice(6, 8));
    expect(() => createOptimizer(parameters(), { ...settings, kind: 'lion' as never })).toThrow(/optimizer.kind.*lion/);
  });
});
