import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../../test/device.ts';
import { BASELINE_CAPABILITIES } from '../../plan/capabilities.ts';
import { KernelError } from '../../plan/kernel-error.ts';
import { fromHalf, halfBits, halfValue, toHalf } from '../../testing/half.ts';
import { runPlan } from '../../testing/run-plan.ts';
import { type DepthGatherProblem, MAX_READERS, planDepthGather } from './depth-gather.ts';

let test: TestDevice;
beforeAll(async () => {
  test = await openTestDevice();
});
afterAll(() => test.close());

const CASES: [string, Omit<DepthGatherProblem, 'readers'>, number][] = [
  ['f32 G=3, 5 readers', { B: 2, T: 3, H: 6, Hkv: 2, D: 12, Dv: 8, dtype: 'f32', slots: 2, accumulate: false }, 5],
  ['f16 G=2, 4 readers', { B: 1, T: 19, H: 4, Hkv: 2, D: 16, Dv: 32, dtype: 'f16', slots: 2, accumulate: false }, 4],
  ['f16 G=1, 1 reader', { B: 1, T: 2, H: 1, Hkv: 1, D: 8, Dv: 8, dtype: 'f16', slots: 1, accumulate: false }, 1],
  ['f16 added to', { B: 1, T: 5, H: 3, Hkv: 1, D: 8, Dv: 8, dtype: 'f16', slots: 1, accumulate: true }, 2],
  ['f32 added to', { B: 1, T: 5, H: 3, Hkv: 1, D: 8, Dv: 8, dtype: 'f32', slots: 2, accumulate: true }, 3],
  ['f16, 3 slots', { B: 1, T: 5, H: 4, Hkv: 2, D: 16, Dv: 8, dtype: 'f16', slots: 3, accumulate: false }, 5],
  ['f32, 4 slots', { B: 2, T: 3, H: 3, Hkv: 1, D: 8, Dv: 8, dtype: 'f32', slots: 4, accumulate: false }, 3],
  ['f16, no readers: zeros', { B: 1, T: 5, H: 2, Hkv: 1, D: 8, Dv: 8, dtype: 'f16', slots: 2, accumulate: false }, 0],
];

describe('depthGather', () => {
  it.each(CASES)('equals the sum over readers and heads in f64 [webgpu %s]', async (_name, shape, count) => {
    const { B, T, H, Hkv, D, Dv, dtype, slots, accumulate } = shape;
    const pairs = B * T * H;
    // Rows in reverse, and readers that start at their own slot of 4.
    const readers = Array.from({ length: count }, (_, n) => ({
      row: count - 1 - n,
      firstPair: (4 * n + 1) * pairs,
      scale: 0.5 + n,
    }));
    const stored = (x: number) => (dtype === 'f16' ? halfValue(halfBits(x)) : Math.fround(x));
    const make = (length: number) => Float64Array.from({ length }, (_, n) => stored(Math.sin(1.7 * n + length)));
    const values = { q: make((count || 1) * pairs * D), dOut: make((count || 1) * pairs * Dv) };
    const depthPairs = make((4 * count + 1) * pairs * 2);
    const initial = accumulate ? 1 : Number.NaN;
    const expected = {
      dDepthK: new Float64Array(slots * B * T * Hkv * D).fill(accumulate ? 1 : 0),
      dDepthV: new Float64Array(slots * B * T * Hkv * Dv).fill(accumulate ? 1 : 0),
    };
    for (const { row, firstPair, scale } of readers) {
      for (let n = 0; n < slots * pairs; n++) {
        const [slot, at] = [Math.floor(n / pairs), n % pairs];
        const key = slot * B * T * Hkv + Math.floor(at / H) * Hkv + Math.floor((at % H) / (H / Hkv));
        const [p, dS] = depthPairs.subarray(2 * (firstPair + n), 2 * (firstPair + n) + 2);
        for (let d = 0; d < D; d++)
          expected.dDepthK[key * D + d]! += scale * dS! * values.q[(row * pairs + at) * D + d]!;
        for (let d = 0; d < Dv; d++) expected.dDepthV[key * Dv + d]! += p! * values.dOut[(row * pairs + at) * Dv + d]!;
      }
    }
    const store = (x: Float64Array) => (dtype === 'f16' ? toHalf(x) : Float32Array.from(x));
    const result = await runPlan(test.device, planDepthGather({ ...shape, readers }, test.capabilities), {
      q: store(values.q),
      dOut: store(values.dOut),
      depthPairs: store(depthPairs),
      dDepthK: store(new Float64Array(expected.dDepthK.length).fill(initial)),
      dDepthV: store(new Float64Array(expected.dDepthV.length).fill(initial)),
    });
    await test.check();
    for (const name of ['dDepthK', 'dDepthV'] as const) {
      const data = result[name];
      const actual = data instanceof Uint16Array ? fromHalf(data) : data;
      const largest = expected[name].reduce((a, x) => Math.max(a, Math.abs(x)), 2 ** -6);
      const error = expected[name].reduce((a, x, n) => Math.max(a, Math.abs(x - actual[n]!)), 0);
      expect(error).toBeLessThanOrEqual((dtype === 'f16' ? 2 ** -10 : 2 ** -20) * largest);
    }
  });

  it('refuses widths that 16 bytes do not divide, too many readers and too many slots', () => {
    const shape = { B: 1, T: 1, H: 1, Hkv: 1, D: 8, Dv: 8, dtype: 'f32', slots: 1, accumulate: false } as const;
    expect(() => planDepthGather({ ...shape, D: 7, readers: [] }, BASELINE_CAPABILITIES)).toThrow(/multiples of 4/);
    const readers = Array.from({ length: MAX_READERS + 1 }, () => ({ row: 0, firstPair: 0, scale: 1 }));
    expect(() => planDepthGather({ ...shape, readers }, BASELINE_CAPABILITIES)).toThrow(KernelError);
    expect(() => planDepthGather({ ...shape, slots: 5, readers: [] }, BASELINE_CAPABILITIES)).toThrow(/1 to 4 slots/);
  });
});
