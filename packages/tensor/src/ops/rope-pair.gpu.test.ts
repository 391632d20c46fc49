import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asParameter, backward } from '../core/autograd.ts';
import type { Device } from '../core/device.ts';
import { ShapeError } from '../core/errors.ts';
import { scope } from '../core/scope.ts';
import { contiguousStrides, sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { init } from '../init.ts';
import { tensor, zeros } from './creation.ts';
import { add, mul } from './elementwise.ts';
import { sum } from './reductions.ts';
import { rope } from './rope.ts';
import { ropePair } from './rope-pair.ts';
import { cast } from './views.ts';

let gpu: Device;
beforeAll(async () => {
  gpu = await init({ device: 'webgpu' });
});
afterAll(() => gpu.destroy());

const [B, T, H, Hkv, D] = [2, 5, 3, 2, 32];
const SHAPES = { q: [B, T, H, D], k: [B, T, Hkv, D] };

/** Memory for q and k: of their own, in the middle of something larger, or both in one. */
type Place = 'new' | 'parts' | 'one storage';

function placeOf(place: Place, dtype: 'f32' | 'f16'): { q?: Tensor; k?: Tensor } {
  if (place === 'new') return {};
  const memory = [zeros([2000], { dtype, device: gpu }), zeros([2000], { dtype, device: gpu })];
  const part = (from: Tensor, shape: number[], at: number) => from.alias(shape, contiguousStrides(shape), at);
  const k = place === 'parts' ? part(memory[1], SHAPES.k, 320) : part(memory[0], SHAPES.k, 960);
  return { q: part(memory[0], SHAPES.q, place === 'parts' ? 8 : 0), k };
}

/** Both results and both gradients. */
async function run(dtype: 'f32' | 'f16', place: Place | 'apart', frozen?: 'q' | 'k') {
  using _ = scope();
  const positions = tensor([0, 1, 2, 3, 4, 7, 90, 2, 511, 1], { shape: [B, T], dtype: 'i32', device: gpu });
  const make = (shape: number[], seed: number, isFrozen: boolean) => {
    const values = Float32Array.from({ length: sizeOf(shape) }, (_x, i) => Math.sin(i * 1.7 + seed));
    const made = tensor(values, { shape, dtype, device: gpu });
    return isFrozen ? made : asParameter(made);
  };
  const [q, k] = [make(SHAPES.q, 1, frozen === 'q'), make(SHAPES.k, 2, frozen === 'k')];
  const turned =
    place === 'apart'
      ? { q: rope(q, positions), k: rope(k, positions) }
      : ropePair(q, k, positions, { into: placeOf(place, dtype) });
  const weighted = [turned.q, turned.k].map((out, i) =>
    sum(cast(mul(out, make(out.shape.slice(), 3 + i, true)), 'f32')),
  );
  backward(add(weighted[0], weighted[1]));
  const read = async (x: Tensor | null) => (x === null ? null : Array.from(await x.data()));
  return Promise.all([turned.q, turned.k, q.grad, k.grad].map(read));
}

describe('ropePair', () => {
  it.each(['f32', 'f16'] as const)('equals rope of each, wherever the results go [webgpu %s]', async (dtype) => {
    const apart = await run(dtype, 'apart');
    expect(apart.every((values) => values !== null)).toBe(true);
    for (const place of ['new', 'parts', 'one storage'] as const) expect(await run(dtype, place)).toEqual(apart);
    for (const frozen of ['q', 'k'] as const)
      expect(await run(dtype, 'new', frozen)).toEqual(await run(dtype, 'apart', frozen));
  });

  it('refuses heads of two sizes [webgpu]', () => {
    using _ = scope();
    const positions = zeros([1, 1], { dtype: 'i32', device: gpu });
    const [q, k] = [8, 4].map((size) => zeros([1, 1, 1, size], { device: gpu }));
    expect(() => ropePair(q, k, positions)).toThrow(ShapeError);
    expect(() => ropePair(q, k, positions)).toThrow('ropePair: q and k must have the same D, got D=8 and D=4');
  });
});
