import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileAll } from '../../../test/compile-all.ts';
import { openTestDevice, type TestDevice } from '../../../test/device.ts';
import { MATRIX_CAPABILITIES } from '../../../test/matrix-capabilities.ts';
import { attentionProblem } from '../../testing/attention-case.ts';
import { planAttentionBackward } from '../attention-backward.ts';
import { planAttentionForward } from '../attention-forward.ts';
import { planDepthGather } from '../gather/depth-gather.ts';

let test: TestDevice;
beforeAll(async () => {
  test = await openTestDevice({ backend: 'null' });
});
afterAll(() => test.close());

describe('deferred depth gradients', () => {
  it.each([1, 2, 3, 4])('compile forward, backward and gather, unrolled, at G=%i and every D [null]', async (G) => {
    for (const [D, dtype] of [16, 32, 64, 128].flatMap((width) => [
      [width, 'f32'] as const,
      [2 * width, 'f16'] as const,
    ])) {
      const problem = attentionProblem({
        T: 100,
        H: G,
        D,
        S: 20,
        dtype,
        hasSequence: false,
        defersDepth: true,
      });
      const plans = [
        planAttentionForward(problem, MATRIX_CAPABILITIES),
        planAttentionBackward(problem, MATRIX_CAPABILITIES),
        ...[1, 2, 3, 4].map((slots) =>
          planDepthGather({ ...problem, slots, readers: [], accumulate: false }, MATRIX_CAPABILITIES),
        ),
      ];
      const vector = plans.flatMap(({ passes }) => passes).filter(({ label }) => label.includes('depth-vector'));
      expect(vector).toHaveLength(2);
      expect(await compileAll(test.device, plans)).toBe(7);
    }
  });
});
