import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../../test/device.ts';
import { attentionOperands, attentionViolations, runAttention } from '../../testing/attention-case.ts';
import { vectorCases } from '../../testing/attention-cases.ts';
import { planAttentionBackward } from '../attention-backward.ts';
import { planAttentionForward } from '../attention-forward.ts';
import { depthVectorObstacle } from './vector-passes.ts';

let test: TestDevice;
beforeAll(async () => {
  test = await openTestDevice();
});
afterAll(() => test.close());

describe('depth attention on vectors', { timeout: 120_000 }, () => {
  it.each(vectorCases)(
    'equals f64 forward and backward: $name [webgpu $problem.dtype]',
    async ({ problem, options }) => {
      expect(depthVectorObstacle(problem, test.capabilities)).toBeNull();
      const operands = attentionOperands(problem, options);
      const config = { sequence: 'rows', depth: 'vector' } as const;
      const labels = [planAttentionForward, planAttentionBackward].flatMap((plan) =>
        plan(problem, test.capabilities, config).passes.map(({ label }) => label),
      );
      expect(labels.filter((label) => label.includes('depth-vector'))).not.toHaveLength(0);
      const result = await runAttention(test, problem, operands, config);
      expect(attentionViolations(problem, operands, result)).toEqual([]);
      expect((await runAttention(test, problem, operands, config)).raw).toEqual(result.raw);
    },
  );
});
