import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypesOf, openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, exact, expectClose, hostNumbers, ROUNDS, type Round } from '../../test/expect-close.ts';
import { BASELINE_CAPABILITIES } from '../plan/capabilities.ts';
import { randomArray } from '../testing/random.ts';
import { runPlan } from '../testing/run-plan.ts';
import { normRow, normRowBackward } from './norm-reference.ts';
import { planNormRope } from './norm-rope.ts';
import { planNormRopeBackward } from './norm-rope-backward.ts';

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
  hasNorm = true,
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
    normed.push(...(hasNorm ? row.out : x.slice(at, at + N)));
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

/** Gradients of keys and weight: each pair rotated back, then the norm's rows. */
function backward(
  x: readonly number[],
  weight: readonly number[],
  rstd: readonly number[],
  dOut: readonly number[],
  H: number,
  D: number,
  isInterleaved: boolean,
  hasNorm: boolean,
) {
  const rotated = [...dOut];
  for (let head = 0; head < TOKENS * H; head++) {
    for (let i = 0; i < D / 2; i++) {
      const angle = Math.fround(POSITIONS[Math.floor(head / H)] * Math.fround(THETA ** ((-2 * i) / D)));
      const left = head * D + (isInterleaved ? 2 * i : i);
      const right = isInterleaved ? left + 1 : left + D / 2;
      rotated[left] = dOut[left] * Math.cos(angle) + dOut[right] * Math.sin(angle);
      rotated[right] = dOut[right] * Math.cos(angle) - dOut[left] * Math.sin(angle);
    }
  }
  const N = weight.length;
  if (!hasNorm) return { dx: rotated, dWeight: [] };
  const dWeight = weight.map(() => 0);
  const dx = rstd.flatMap((scale, row) => {
    const part = (values: readonly number[]) => values.slice(row * N, (row + 1) * N);
    const own = normRowBackward(part(x), weight, part(rotated), false, 0, scale, (v) => v);
    own.dWeight.forEach((value, n) => {
      dWeight[n] += value;
    });
    return own.dx;
  });
  return { dx, dWeight };
}

describe('norm and rope in one pass', () => {
  it.each([
    { scope: 'full', H: 3, D: 10, rotaryDim: 10, isInterleaved: false },
    { scope: 'head', H: 2, D: 7, rotaryDim: 4, isInterleaved: true },
    { scope: 'full', H: 5, D: 64, rotaryDim: 32, isInterleaved: true },
    { scope: 'head', H: 1, D: 5, rotaryDim: 0, isInterleaved: false },
    // 16 bytes at a time in f16: six lanes of eight, one lane, and as many lanes as a workgroup has threads.
    { scope: 'full', H: 3, D: 32, rotaryDim: 32, isInterleaved: false },
    { scope: 'head', H: 5, D: 16, rotaryDim: 16, isInterleaved: false },
    { scope: 'full', H: 8, D: 512, rotaryDim: 512, isInterleaved: false },
  ] as const)('equals f64: %j [webgpu]', async ({ scope, H, D, rotaryDim, isInterleaved }) => {
    for (const dtype of dtypesOf(gpu)) {
      const round = ROUNDS[dtype];
      const x = Array.from(randomArray(TOKENS * H * D, 1), round);
      const weight = Array.from(randomArray(scope === 'full' ? H * D : D, 2), (v) => round(v + 1));
      // The result lands behind other numbers, as in a slot of an arena.
      const before = D % 16 === 0 ? 8 : 7;
      const offsets = { x: 0, weight: 0, positions: 0, out: before, rstd: 0 };
      const own = { dtype, tokens: TOKENS, H, D, scope, eps: EPS, rotaryDim, theta: THETA, isInterleaved, offsets };
      const truth = reference(x, weight, H, D, rotaryDim, isInterleaved);
      const slot = deviceArray(new Float32Array(x.length + before).fill(5), dtype);
      const given = { x: deviceArray(x, dtype), weight: deviceArray(weight, dtype), positions: POSITIONS };
      const operands = { ...given, out: slot, rstd: new Float32Array(truth.rstd.length) };
      const { out, rstd } = await runPlan(gpu.device, planNormRope(own, gpu.capabilities), operands);
      expect(hostNumbers(out).slice(0, before)).toEqual(Array(before).fill(5));
      expectClose(hostNumbers(out).slice(before), truth.out, truth.out.map(round), dtype);
      expectClose(rstd, truth.rstd, truth.rstd.map(Math.fround));
    }
  });

  it.each((['full', 'head', 'none'] as const).flatMap((scope) => [10, 48].map((D) => [scope, D] as const)))(
    'takes keys and values from one projection, %s, D=%i [webgpu]',
    async (scope, D) => {
      const H = 3;
      const [kBefore, vBefore] = D % 16 === 0 ? [8, 16] : [5, 3];
      for (const dtype of dtypesOf(gpu)) {
        const round = ROUNDS[dtype];
        const both = Array.from(randomArray(TOKENS * 2 * H * D, 3), round);
        const weight = Array.from(randomArray(scope === 'head' ? D : H * D, 2), (v) => round(v + 1));
        const half = (part: number) =>
          Array.from({ length: TOKENS }, (_, t) =>
            both.slice((2 * t + part) * H * D, (2 * t + part + 1) * H * D),
          ).flat();
        const truth = reference(half(0), weight, H, D, D, false, scope !== 'none');
        const offsets = { x: 0, weight: scope === 'none' ? null : 0, positions: 0, out: kBefore, rstd: 0, v: vBefore };
        const own = { dtype, tokens: TOKENS, H, D, scope, eps: EPS, rotaryDim: D, theta: THETA, isInterleaved: false };
        const plan = planNormRope({ ...own, stride: 2 * H * D, offsets }, gpu.capabilities);
        const room = (length: number) => deviceArray(new Float32Array(length).fill(5), dtype);
        const { out, v } = await runPlan(gpu.device, plan, {
          x: deviceArray(both, dtype),
          positions: POSITIONS,
          out: room(TOKENS * H * D + kBefore),
          v: room(TOKENS * H * D + vBefore),
          ...(scope === 'none'
            ? {}
            : { weight: deviceArray(weight, dtype), rstd: new Float32Array(truth.rstd.length) }),
        });
        expectClose(hostNumbers(out).slice(kBefore), truth.out, truth.out.map(round), dtype);
        expect(hostNumbers(v)).toEqual([...Array(vBefore).fill(5), ...half(1)]);
      }
    },
  );

  it.each([
    { scope: 'full', H: 3, D: 10, isInterleaved: false },
    { scope: 'head', H: 3, D: 6, isInterleaved: true },
    { scope: 'head', H: 2, D: 64, isInterleaved: false },
    { scope: 'none', H: 5, D: 8, isInterleaved: false },
    { scope: 'none', H: 5, D: 48, isInterleaved: false },
    { scope: 'full', H: 3, D: 32, isInterleaved: false },
    { scope: 'head', H: 5, D: 16, isInterleaved: false },
    { scope: 'full', H: 8, D: 512, isInterleaved: false },
  ] as const)('gives the gradients of f64, values included: %j [webgpu]', async ({ scope, H, D, isInterleaved }) => {
    for (const dtype of dtypesOf(gpu)) {
      const round = ROUNDS[dtype];
      const hasNorm = scope !== 'none';
      const N = scope === 'head' ? D : H * D;
      const make = (length: number, seed: number) => Array.from(randomArray(length, seed), round);
      const both = make(TOKENS * 2 * H * D, 3);
      const weight = make(N, 2).map((v) => round(v + 1));
      const [dOut, dV] = [make(TOKENS * H * D, 4), make(TOKENS * H * D, 5)];
      const keys = Array.from({ length: TOKENS }, (_, t) => both.slice(2 * t * H * D, (2 * t + 1) * H * D)).flat();
      const { rstd } = reference(keys, weight, H, D, D, isInterleaved, hasNorm);
      const expected = backward(keys, weight, rstd, dOut, H, D, isInterleaved, hasNorm);
      const at = (t: number) => [t * H * D, (t + 1) * H * D] as const;
      const tokens = Array.from({ length: TOKENS }, (_, t) => [expected.dx.slice(...at(t)), dV.slice(...at(t))]);
      const dBoth = tokens.flat(2);
      const offsets = { x: 0, weight: hasNorm ? 0 : null, positions: 0, rstd: 0, dOut: 0, dx: 0, dV: 0 };
      const own = { dtype, tokens: TOKENS, H, D, scope, theta: THETA, isInterleaved, stride: 2 * H * D };
      // Added in f32 to what the weight's gradient was, as for a weight that is used twice.
      const weightGradient = { dtype: 'f32', accumulate: true } as const;
      const problem = { ...own, weightGradient, offsets: { ...offsets, dWeight: hasNorm ? 0 : null } };
      const given = { positions: POSITIONS, dOut: deviceArray(dOut, dtype), dV: deviceArray(dV, dtype) };
      const forNorm = {
        x: deviceArray(both, dtype),
        weight: deviceArray(weight, dtype),
        rstd: Float32Array.from(rstd),
      };
      const { dx, dWeight } = await runPlan(gpu.device, planNormRopeBackward(problem, gpu.capabilities), {
        ...given,
        dx: deviceArray(new Float32Array(both.length).fill(Number.NaN), dtype),
        ...(hasNorm ? { ...forNorm, dWeight: new Float32Array(N).fill(2) } : {}),
      });
      expectClose(hostNumbers(dx), dBoth, dBoth.map(round), dtype);
      const sums = expected.dWeight.map((value) => value + 2);
      if (hasNorm) expectClose(hostNumbers(dWeight!), sums, sums.map(Math.fround));
    }
  });

  it('adds the weight gradient over more rows than workgroups hold at once [webgpu f16]', async () => {
    const [tokens, H, D] = [2 * 8192 + 3, 2, 64];
    const make = (seed: number) => Array.from(randomArray(tokens * H * D, seed), ROUNDS.f16);
    const [x, dOut] = [make(1), make(2)];
    const rstd = Float32Array.from({ length: tokens }, (_, t) => 1 + (t % 7) / 8);
    const offsets = { x: 0, weight: 0, positions: 0, rstd: 0, dOut: 0, dx: 0, dWeight: 0 };
    const weightGradient = { dtype: 'f32', accumulate: false } as const;
    const own = { dtype: 'f16', tokens, H, D, scope: 'full', theta: THETA, isInterleaved: false } as const;
    const plan = planNormRopeBackward({ ...own, weightGradient, offsets }, gpu.capabilities);
    expect(plan.passes).toHaveLength(2);
    const operands = {
      x: deviceArray(x, 'f16'),
      weight: deviceArray(Array(H * D).fill(1), 'f16'),
      dOut: deviceArray(dOut, 'f16'),
      // Positions of 0: nothing is rotated.
      positions: new Int32Array(tokens),
      rstd,
      dx: deviceArray(x, 'f16'),
      dWeight: new Float32Array(H * D),
    };
    const { dWeight } = await runPlan(gpu.device, plan, operands);
    const sums = (round: Round) =>
      Array.from({ length: H * D }, (_, n) => {
        let sum = 0;
        for (let t = 0; t < tokens; t++)
          sum = round(sum + round(round(x[t * H * D + n] * rstd[t]) * dOut[t * H * D + n]));
        return sum;
      });
    expectClose(dWeight, sums(exact), sums(Math.fround));
  });

  it('refuses an odd rotary dimension', () => {
    const offsets = { x: 0, weight: null, positions: 0, out: 0, rstd: 0 };
    const own = { dtype: 'f32' as const, tokens: 1, H: 1, D: 8, scope: 'full' as const, eps: EPS, theta: THETA };
    const problem = { ...own, rotaryDim: 3, isInterleaved: false, offsets };
    expect(() => planNormRope(problem, BASELINE_CAPABILITIES)).toThrow(/even rotaryDim/);
  });
});
