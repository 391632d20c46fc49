import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtypesOf, openTestDevice, type TestDevice } from '../../test/device.ts';
import { deviceArray, exact, expectClose, hostNumbers, ROUNDS, type Round } from '../../test/expect-close.ts';
import { BASELINE_CAPABILITIES } from '../plan/capabilities.ts';
import { randomArray } from '../testing/random.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planRope, type RopeProblem } from './rope.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

const POSITIONS = Int32Array.of(0, 1, 7, 1000, 40_001);
const offsets = { x: 0, positions: 0, out: 0 };

/** Angles are f32 on every device, so the truth rounds them too; all else is f64. */
function reference(x: readonly number[], problem: RopeProblem, r: Round): number[] {
  const { H, D, rotaryDim, theta, isInterleaved, isInverse } = problem;
  const out = [...x];
  const half = rotaryDim / 2;
  POSITIONS.forEach((position, token) => {
    for (let h = 0; h < H; h++) {
      for (let i = 0; i < half; i++) {
        const at = (token * H + h) * D;
        const [left, right] = isInterleaved ? [at + 2 * i, at + 2 * i + 1] : [at + i, at + i + half];
        const angle = Math.fround(position * Math.fround(theta ** ((-2 * i) / rotaryDim)));
        const cos = r(Math.cos(angle));
        const sin = r(isInverse ? -Math.sin(angle) : Math.sin(angle));
        out[left] = r(r(x[left] * cos) - r(x[right] * sin));
        out[right] = r(r(x[left] * sin) + r(x[right] * cos));
      }
    }
  });
  return out;
}

describe('rope', () => {
  it.each([
    { H: 3, D: 10, rotaryDim: 10 },
    { H: 2, D: 7, rotaryDim: 4 },
    { H: 1, D: 64, rotaryDim: 64 },
    { H: 2, D: 5, rotaryDim: 0 },
    { H: 7, D: 16, rotaryDim: 16 },
    { H: 13, D: 80, rotaryDim: 80 },
    { H: 2, D: 64, rotaryDim: 32 },
    // What starts between two loads.
    { H: 3, D: 32, rotaryDim: 32, start: 4 },
    { H: 3, D: 32, rotaryDim: 32, start: 8 },
  ])('equals f64 far out, both pairings and ways, one tensor and two: %j [webgpu]', async ({ start = 0, ...shape }) => {
    for (const dtype of dtypesOf(gpu)) {
      for (const [isInterleaved, isInverse, secondH] of [
        [false, false, 0],
        [false, true, 5],
        [true, true, 2],
        [true, false, 0],
      ] as const) {
        const own = { ...shape, dtype, tokens: 5, theta: 10_000, isInterleaved, isInverse, offsets };
        const second = { H: secondH, offsets: { y: start, outY: 2 * start } };
        const problem = { ...own, offsets: { ...offsets, out: start }, ...(secondH > 0 ? { second } : {}) };
        const x = Array.from(randomArray(5 * shape.H * shape.D, 11), ROUNDS[dtype]);
        const y = Array.from(randomArray(5 * secondH * shape.D, 12), ROUNDS[dtype]);
        const behind = (count: number, values: number[]) => deviceArray([...Array(count).fill(7), ...values, 7], dtype);
        const operands = {
          x: deviceArray(x, dtype),
          positions: POSITIONS,
          out: behind(start, x),
          y: behind(start, y),
          outY: behind(2 * start, y),
        };
        const plan = planRope(problem, gpu.capabilities);
        const isVector = dtype === 'f16' && !isInterleaved && shape.rotaryDim === shape.D && shape.D % 16 === 0;
        const isAligned = isVector && start % 8 === 0;
        const labels = isAligned
          ? [`rope f16${secondH > 0 ? ' of two' : ''} x8`]
          : Array(secondH > 0 ? 2 : 1).fill(`rope ${dtype}`);
        expect(plan.passes.map(({ label }) => label)).toEqual(labels);
        const results = await runPlan(gpu.device, plan, operands);
        const check = (result: ReturnType<typeof deviceArray>, at: number, values: number[], H: number) => {
          const numbers = hostNumbers(result);
          const parts = [exact, ROUNDS[dtype]].map((round) => reference(values, { ...own, H }, round));
          expectClose(numbers.slice(at, -1), parts[0]!, parts[1]!, dtype);
          expect([...numbers.slice(0, at), numbers.at(-1)].every((value) => value === 7)).toBe(true);
        };
        check(results.out, start, x, shape.H);
        if (secondH > 0) check(results.outY, 2 * start, y, secondH);
        expect(await runPlan(gpu.device, plan, operands)).toEqual(results);
      }
    }
  });

  it('refuses odd and too large rotary dimensions [null]', () => {
    const problem = {
      dtype: 'f32' as const,
      tokens: 1,
      H: 1,
      D: 8,
      theta: 1e4,
      isInterleaved: false,
      isInverse: false,
      offsets,
    };
    expect(() => planRope({ ...problem, rotaryDim: 3 }, BASELINE_CAPABILITIES)).toThrow(
      /even rotaryDim.*got rotaryDim=3/,
    );
    expect(() => planRope({ ...problem, rotaryDim: 10 }, BASELINE_CAPABILITIES)).toThrow(/D=8/);
  });
});
