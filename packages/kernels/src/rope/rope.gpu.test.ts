import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
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
  const shapes = [
    { H: 3, D: 10, rotaryDim: 10 },
    { H: 2, D: 7, rotaryDim: 4 },
    { H: 1, D: 64, rotaryDim: 64 },
    { H: 2, D: 5, rotaryDim: 0 },
  ];
  it.each(shapes)('equals f64 far out, both pairings and ways: %j [webgpu]', async (shape) => {
    for (const dtype of gpu.capabilities.f16 ? (['f32', 'f16'] as const) : (['f32'] as const)) {
      for (const [isInterleaved, isInverse] of [
        [false, false],
        [true, true],
      ]) {
        const problem = { ...shape, dtype, tokens: 5, theta: 10_000, isInterleaved, isInverse, offsets };
        const x = Array.from(randomArray(5 * shape.H * shape.D, 11), ROUNDS[dtype]);
        const operands = { x: deviceArray(x, dtype), positions: POSITIONS, out: deviceArray(x, dtype) };
        const { out } = await runPlan(gpu.device, planRope(problem, gpu.capabilities), operands);
        expectClose(hostNumbers(out), reference(x, problem, exact), reference(x, problem, ROUNDS[dtype]), dtype);
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
