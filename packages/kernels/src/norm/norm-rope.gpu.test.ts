import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, expectClose, hostNumbers, ROUNDS } from '../../test/expect-close.ts';
import { BASELINE_CAPABILITIES } from '../plan/capabilities.ts';
import { randomArray } from '../testing/random.ts';
import { runPlan } from '../testing/run-plan.ts';
import { normRow } from './norm-reference.ts';
import { planNormRope } from './norm-rope.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

const POSITIONS = Int32Array.of(0, 3, 1000);
const TOKENS = POSITIONS.length;
const THETA = 10_000;
const EPS = 1e-6;

/** The norm of each row, then the rotation of each head, in f64 but for the angles, which are f32 everywhere. */
function reference(
  x: readonly number[],
  weight: readonly number[],
  H: number,
  D: number,
  rotaryDim: number,
  isInterleaved: boolean,
) {
  const N = weight.length;
  const normed: number[] = [];
  const rstd: number[] = [];
  for (let at = 0; at < x.length; at += N) {
    const row = normRow(
      x.slice(at, at + N),
      weight,
      weight.map(() => 0),
      false,
      EPS,
      (v) => v,
    );
    normed.push(...row.out);
    rstd.push(row.rstd);
  }
  const out = [...normed];
  const half = rotaryDim / 2;
  for (let head = 0; head < TOKENS * H; head++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(POSITIONS[Math.floor(head / H)] * Math.fround(THETA ** ((-2 * i) / rotaryDim)));
      const left = head * D + (isInterleaved ? 2 * i : i);
      const right = isInterleaved ? left + 1 : left + half;
      out[left] = normed[left] * Math.cos(angle) - normed[right] * Math.sin(angle);
      out[right] = normed[left] * Math.sin(angle) + normed[right] * Math.cos(angle);
    }
  }
  return { out, rstd };
}

describe('norm and rope in one pass', () => {
  it.each([
    { scope: 'full', H: 3, D: 10, rotaryDim: 10, isInterleaved: false },
    { scope: 'head', H: 2, D: 7, rotaryDim: 4, isInterleaved: true },
    { scope: 'full', H: 5, D: 64, rotaryDim: 32, isInterleaved: true },
    { scope: 'head', H: 1, D: 5, rotaryDim: 0, isInterleaved: false },
  ] as const)('equals f64: %j [webgpu]', async ({ scope, H, D, rotaryDim, isInterleaved }) => {
    for (const dtype of gpu.capabilities.f16 ? (['f32', 'f16'] as const) : (['f32'] as const)) {
      const round = ROUNDS[dtype];
      const x = Array.from(randomArray(TOKENS * H * D, 1), round);
      const weight = Array.from(randomArray(scope === 'full' ? H * D : D, 2), (v) => round(v + 1));
      // The result lands behind seven other numbers, as in a slot of an arena.
      const offsets = { x: 0, weight: 0, positions: 0, out: 7, rstd: 0 };
      const own = { dtype, tokens: TOKENS, H, D, scope, eps: EPS, rotaryDim, theta: THETA, isInterleaved, offsets };
      const truth = reference(x, weight, H, D, rotaryDim, isInterleaved);
      const slot = deviceArray(new Float32Array(x.length + 7).fill(5), dtype);
      const given = { x: deviceArray(x, dtype), weight: deviceArray(weight, dtype), positions: POSITIONS };
      const operands = { ...given, out: slot, rstd: new Float32Array(truth.rstd.length) };
      const { out, rstd } = await runPlan(gpu.device, planNormRope(own, gpu.capabilities), operands);
      expect(hostNumbers(out).slice(0, 7)).toEqual([5, 5, 5, 5, 5, 5, 5]);
      expectClose(hostNumbers(out).slice(7), truth.out, truth.out.map(round), dtype);
      expectClose(rstd, truth.rstd, truth.rstd.map(Math.fround));
    }
  });

  it('refuses an odd rotary dimension', () => {
    const offsets = { x: 0, weight: null, positions: 0, out: 0, rstd: 0 };
    const own = { dtype: 'f32' as const, tokens: 1, H: 1, D: 8, scope: 'full' as const, eps: EPS, theta: THETA };
    const problem = { ...own, rotaryDim: 3, isInterleaved: false, offsets };
    expect(() => planNormRope(problem, BASELINE_CAPABILITIES)).toThrow(/even rotaryDim/);
  });
});
