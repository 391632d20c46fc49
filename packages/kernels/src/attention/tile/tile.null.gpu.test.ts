import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileAll } from '../../../test/compile-all.ts';
import { openTestDevice, type TestDevice } from '../../../test/device.ts';
import { MATRIX_CAPABILITIES } from '../../../test/matrix-capabilities.ts';
import { attentionProblem } from '../../testing/attention-case.ts';
import { planAttentionBackward } from '../attention-backward.ts';
import { planAttentionForward } from '../attention-forward.ts';

let test: TestDevice;
beforeAll(async () => {
  test = await openTestDevice({ backend: 'null' });
});
afterAll(() => test.close());

describe('attention on register tiles', () => {
  // Adapters compile two head sizes in CI; every other specialisation is checked by Tint alone.
  it.each([16, 35, 64, 96, 128, 256])('compiles at D=%i, in f32 and f16 [null]', async (D) => {
    for (const dtype of ['f32', 'f16'] as const) {
      const problem = attentionProblem({ T: 100, H: 6, Hkv: 2, D, Dv: D, dtype });
      const plans = [planAttentionForward, planAttentionBackward].map((plan) =>
        plan(problem, MATRIX_CAPABILITIES, { sequence: 'tile' }),
      );
      const tiles = plans.flatMap(({ passes }) => passes).filter(({ label }) => label.includes('tile'));
      expect(tiles.map(({ label }) => label.slice(-2))).toEqual(Array(3).fill(D % 4 === 0 ? 'x4' : 'x1'));
      expect(await compileAll(test.device, plans)).toBe(4);
    }
  });
});
