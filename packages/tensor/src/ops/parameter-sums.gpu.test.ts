import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/reference-backend.ts';
import { asParameter, backward } from '../core/autograd.ts';
import { Device } from '../core/device.ts';
import { scope } from '../core/scope.ts';
import type { Tensor } from '../core/tensor.ts';
import { init } from '../init.ts';
import { allocateGradients } from '../optim/packed-like.ts';
import { attentionPrimitive } from './attention.ts';
import { tensor } from './creation.ts';
import { add, mul } from './elementwise.ts';
import { addLayerNorm, addRmsNorm, rmsNormRope } from './fused-normalization.ts';
import { embedding } from './indexing.ts';
import { linear } from './matmul.ts';
import { layerNorm, rmsNorm } from './normalization.ts';
import { sum } from './reductions.ts';
import { square } from './unary.ts';
import { reshape, split } from './views.ts';

const devices = new Map<string, Device>();
beforeAll(async () => {
  devices.set('reference', new Device(createReferenceBackend()));
  devices.set('cpu', await init({ device: 'cpu' }));
  devices.set('webgpu', await init({ device: 'webgpu' }));
});
afterAll(() => {
  for (const device of devices.values()) device.destroy();
});

const [B, T, H, D] = [2, 5, 3, 4];
const C = H * D;

/** Gradients of weights that are all used twice, with memory of their own or without. */
async function gradients(device: Device, hasMemory: boolean, steps = 1): Promise<Float64Array[]> {
  using _ = scope();
  const make = (shape: number[], seed: number): Tensor =>
    tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_x, i) => Math.sin(1.3 * i + seed)),
      { shape, device },
    );
  const weights = Object.fromEntries(
    Object.entries({
      map: [C, C],
      bias: [C],
      norm: [C],
      headNorm: [D],
      fullNorm: [C],
      both: [2 * C, C],
      centred: [C],
      shift: [C],
      // As wide as packed tensors are aligned: both gradients lie side by side.
      wide: [64],
      wideShift: [64],
      table: [7, C],
    }).map(([name, shape], seed) => [name, asParameter(make(shape, seed))]),
  );
  if (hasMemory) allocateGradients(weights);
  const positions = tensor(
    Int32Array.from({ length: B * T }, (_x, i) => i % T),
    { shape: [B, T], device },
  );
  for (let step = 0; step < steps; step++) {
    let x = make([B, T, C], 9 + step);
    for (let use = 0; use < 2; use++) {
      const heads = reshape(linear(x, weights.map, weights.bias), [B, T, H, D]);
      const q = rmsNormRope(heads, weights.headNorm, positions);
      const [keys, values] = split(reshape(linear(x, weights.both), [B, T, 2, H, D]), [1, 1], 2);
      const k = rmsNormRope(reshape(keys, [B, T, H, D]), weights.fullNorm, positions, { full: true });
      const v = reshape(values, [B, T, H, D]);
      const { out } = attentionPrimitive({ q, k, v });
      // k and v have a gradient before attention gives them theirs.
      const also = reshape(mul(k, v), [B, T, C]);
      const { sum: total, out: normed } = addRmsNorm(reshape(out, [B, T, C]), also, weights.norm);
      const next = addLayerNorm(total, normed, weights.centred, weights.shift);
      x = add(add(rmsNorm(next.sum, weights.norm), layerNorm(next.sum, weights.centred, weights.shift)), next.out);
      x = add(x, embedding(weights.table, positions));
    }
    const wide = layerNorm(make([3, 64], 5), weights.wide, weights.wideShift);
    const { out } = addLayerNorm(mul(wide, wide), wide, weights.wide, weights.wideShift);
    backward(add(sum(square(x)), sum(mul(out, wide))));
  }
  const host: Float64Array[] = [];
  for (const weight of Object.values(weights)) host.push(Float64Array.from(await weight.grad!.data()));
  return host;
}

describe('gradients of parameters', { timeout: 60_000 }, () => {
  it.each(['reference', 'cpu', 'webgpu'])(
    'are the same with memory of their own, which sums go into, and without [%s]',
    async (name) => {
      const device = devices.get(name)!;
      const truth = await gradients(devices.get('reference')!, false, 2);
      const bound = name === 'reference' ? 1e-12 : 2 ** -17;
      for (const hasMemory of [false, true]) {
        const actual = await gradients(device, hasMemory, 2);
        for (const [n, values] of truth.entries()) {
          const largest = values.reduce((a, value) => Math.max(a, Math.abs(value)), 0);
          expect(largest).toBeGreaterThan(0);
          const error = values.reduce((a, value, i) => Math.max(a, Math.abs(value - actual[n][i])), 0);
          expect(error / largest).toBeLessThan(bound);
        }
        expect(await gradients(device, hasMemory, 2)).toEqual(actual);
      }
    },
  );

  it.each(['reference', 'cpu', 'webgpu'])(
    'are added up where a parameter is several inputs of one operator [%s]',
    async (name) => {
      const device = devices.get(name)!;
      const run = async (hasMemory: boolean): Promise<number[][]> => {
        using _ = scope();
        const values = (size: number) => Float32Array.from({ length: size }, (_x, i) => Math.sin(1.3 * i + 1));
        const weights = {
          vector: asParameter(tensor(values(8), { device })),
          square: asParameter(tensor(values(64), { shape: [8, 8], device })),
        };
        if (hasMemory) allocateGradients(weights);
        const { vector, square: matrix } = weights;
        const rows = linear(matrix, matrix);
        const normed = rmsNorm(add(vector, 0), vector);
        backward(add(sum(square(layerNorm(rows, vector, vector))), sum(mul(rmsNorm(vector, vector), normed))));
        return Promise.all([vector, matrix].map(async ({ grad }) => Array.from(await grad!.data())));
      };
      const [expected, actual] = [await run(false), await run(true)];
      for (const [n, gradient] of expected.entries()) {
        gradient.forEach((value, i) => {
          expect(actual[n][i]).toBeCloseTo(value, 4);
        });
      }
    },
  );

  it('adds to a gradient in place only where nobody else sees it [reference]', async () => {
    const device = devices.get('reference')!;
    using _ = scope();
    const w = asParameter(
      tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { device },
      ),
    );
    const x = asParameter(tensor([[1, -1]], { device }));
    // The gradient of y is that of both operands of the last sum, one tensor; linear must not add to it.
    const y = mul(x, x);
    const z = linear(y, w);
    backward(sum(add(add(y, z), y)));
    expect(Array.from(await x.grad!.data())).toEqual([2 * (2 + 4), -2 * (2 + 6)]);
    expect(Array.from(await w.grad!.data())).toEqual([1, 1, 1, 1]);
  });
});
