import {
  add,
  asParameter,
  attentionPrimitive,
  backward,
  checkpoint,
  type Device,
  init,
  linear,
  randomNormal,
  reshape,
  scope,
  square,
  sum,
  type Tensor,
} from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DepthArena } from '../src/stream/depth-arena.ts';

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'reference' });
});
afterAll(() => device.destroy());

const numbers = async (x: Tensor | null): Promise<number[]> => Array.from(await x!.data());

describe('depthArena', () => {
  it('gives the same gradients of layers that write slots with and without checkpointing [reference]', async () => {
    const run = async (wrap: (body: (x: Tensor) => Tensor, x: Tensor) => Tensor): Promise<number[][]> => {
      using _ = scope();
      const [B, T, H, D] = [2, 5, 2, 3];
      const C = H * D;
      const weights = Array.from({ length: 9 }, (_, i) => asParameter(randomNormal([C, C], { seed: i + 1, std: 0.4 })));
      using arena = new DepthArena({ slots: 3, B, T, Hkv: H, D });
      let x: Tensor = randomNormal([B, T, C], { seed: 77 });
      for (let layer = 0; layer < 3; layer++) {
        const [wq, wk, wv] = weights.slice(layer * 3, layer * 3 + 3);
        const heads = (w: Tensor, from: Tensor): Tensor => reshape(linear(from, w), [B, T, H, D]);
        x = wrap((from) => {
          const k = heads(wk, from);
          const v = heads(wv, from);
          const { out } = attentionPrimitive({ q: heads(wq, from), k, v, depth: arena.read(layer) });
          arena.writeSlot(layer, k, v);
          return add(from, reshape(out, [B, T, C]));
        }, x);
      }
      backward(sum(square(x)));
      return Promise.all(weights.map(({ grad }) => numbers(grad)));
    };
    const plain = await run((body, x) => body(x));
    const replayed = await run((body, x) => checkpoint(body, [x]));
    expect(plain.flat().every(Number.isFinite)).toBe(true);
    expect(Math.max(...plain[1].map(Math.abs))).toBeGreaterThan(0.01);
    plain.forEach((gradient, i) => gradient.forEach((value, j) => expect(replayed[i][j]).toBeCloseTo(value, 10)));
  });
});
