import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../../test/device.ts';
import {
  attentionOperands,
  attentionProblem,
  attentionViolations,
  runAttention,
} from '../../testing/attention-case.ts';
import { planAttentionBackward } from '../attention-backward.ts';
import { planAttentionForward } from '../attention-forward.ts';
import type { AttentionProblem } from '../attention-problem.ts';

let test: TestDevice;
beforeAll(async () => {
  test = await openTestDevice();
  expect(test.capabilities.subgroups?.min).toBeGreaterThanOrEqual(8);
});
afterAll(() => test.close());

const half = { dtype: 'f16', D: 64, defersDepth: true } as const;
const CASES: [string, AttentionProblem, Parameters<typeof attentionOperands>[1]?][] = [
  ['G=2 S=5 after a sequence, dLse', attentionProblem({ ...half, T: 7, H: 4, Hkv: 2, S: 5, dLse: true })],
  ['G=3 B=2 S=18 alone', attentionProblem({ ...half, B: 2, T: 3, H: 6, Hkv: 2, S: 18, hasSequence: false })],
  ['logits of +-1e4', attentionProblem({ ...half, T: 5, H: 2, S: 9, scale: 1 / 16 }), { amplitude: 64 }],
  [
    'two segments, slots beyond S hold NaN',
    {
      ...attentionProblem({ ...half, T: 3, H: 2 }),
      depth: { S: 11, segments: [9, 4], Td: 3, chunk: 1, chunkPhase: 0 },
    },
  ],
];

describe('depth attention on vectors', { timeout: 120_000 }, () => {
  it.each(CASES)('equals f64 forward and backward: %s [webgpu]', async (_name, problem, options) => {
    const operands = attentionOperands(problem, options);
    const config = { sequence: 'rows', depth: 'vector' } as const;
    const labels = [planAttentionForward, planAttentionBackward].flatMap((plan) =>
      plan(problem, test.capabilities, config).passes.map(({ label }) => label),
    );
    expect(labels.filter((label) => label.includes('depth-vector'))).not.toHaveLength(0);
    const result = await runAttention(test, problem, operands, config);
    expect(attentionViolations(problem, operands, result)).toEqual([]);
    expect((await runAttention(test, problem, operands, config)).raw).toEqual(result.raw);
  });
});
