import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { attentionOperands, attentionProblem, attentionViolations, runAttention } from '../testing/attention-case.ts';
import { attentionCases, attentionSizes, tileCases } from '../testing/attention-cases.ts';
import { planAttentionForward } from './attention-forward.ts';

let test: TestDevice;
beforeAll(async () => {
  test = await openTestDevice();
});
afterAll(() => test.close());

describe('attention family, rows', () => {
  it.each(attentionCases)(
    'equals f64 forward and backward: $name [webgpu $problem.dtype]',
    async ({ problem, options }) => {
      const operands = attentionOperands(problem, options);
      const result = await runAttention(test, problem, operands, { sequence: 'rows' });
      expect(attentionViolations(problem, operands, result)).toEqual([]);
    },
  );

  it('splits an arena above the binding limit by slots, with the same result [webgpu]', async () => {
    const problem = attentionProblem({ T: 7, D: 10, Hkv: 1, S: 9 });
    const operands = attentionOperands(problem);
    const small = { ...test, capabilities: { ...test.capabilities, maxBindingBytes: 1000 } };
    expect(planAttentionForward(problem, small.capabilities).passes.length).toBeGreaterThan(3);
    const result = await runAttention(small, problem, operands);
    expect(attentionViolations(problem, operands, result)).toEqual([]);
  });

  it('gives the same bits twice [webgpu f16]', async () => {
    const problem = attentionProblem({ T: 37, H: 6, Hkv: 2, S: 5, dtype: 'f16' });
    const operands = attentionOperands(problem);
    const first = await runAttention(test, problem, operands, { sequence: 'rows' });
    const second = await runAttention(test, problem, operands, { sequence: 'rows' });
    expect(second.raw).toEqual(first.raw);
  });
});

/** The sizes a user meets; `MODA_FULL_GRID=1` takes every value of each axis, without it the ends and the odd ones. */
const FULL = process.env.MODA_FULL_GRID === '1';
const GRID = attentionSizes(FULL);

describe('attention family, grid', { timeout: 400_000 }, () => {
  it.each(GRID)('equals f64 forward and backward: $name [webgpu $problem.dtype]', async ({ problem }) => {
    const operands = attentionOperands(problem);
    for (const sequence of FULL ? (['rows', 'tile'] as const) : (['rows'] as const)) {
      const result = await runAttention(test, problem, operands, { sequence });
      expect(attentionViolations(problem, operands, result)).toEqual([]);
    }
  });
});

// Compiling takes long on a busy machine without a GPU.
describe('attention family, register tiles', { timeout: 400_000 }, () => {
  it.each(tileCases)('equals f64 forward and backward: $name [webgpu $problem.dtype]', async ({ problem, options }) => {
    const operands = attentionOperands(problem, options);
    const result = await runAttention(test, problem, operands, { sequence: 'tile' });
    expect(attentionViolations(problem, operands, result)).toEqual([]);
  });

  it('gives the same bits twice [webgpu]', async () => {
    const problem = attentionProblem({ T: 37, H: 6, Hkv: 2 });
    const operands = attentionOperands(problem);
    const first = await runAttention(test, problem, operands, { sequence: 'tile' });
    const second = await runAttention(test, problem, operands, { sequence: 'tile' });
    expect(second.raw).toEqual(first.raw);
  });
});
