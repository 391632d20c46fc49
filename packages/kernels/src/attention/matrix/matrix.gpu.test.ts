import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../../test/device.ts';
import { emulateSubgroupMatrix } from '../../../test/emulate-subgroup-matrix.ts';
import { MATRIX_CAPABILITIES } from '../../../test/matrix-capabilities.ts';
import {
  attentionOperands,
  attentionProblem,
  attentionViolations,
  runAttention,
} from '../../testing/attention-case.ts';
import { matrixCases } from '../../testing/attention-cases.ts';

let test: TestDevice;
beforeAll(async () => {
  const opened = await openTestDevice();
  const { maxWorkgroupMemoryBytes } = opened.capabilities;
  test = { ...opened, capabilities: { ...MATRIX_CAPABILITIES, maxWorkgroupMemoryBytes } };
});
afterAll(() => test.close());

const emulate = (shader: string) => (shader.includes('subgroup_matrix_left') ? emulateSubgroupMatrix(shader) : shader);

// Compiling takes long on a busy machine without a GPU.
describe('attention on emulated subgroup matrices', { timeout: 400_000 }, () => {
  it.each(matrixCases)('equals f64 forward and backward: $name [webgpu f16]', async ({ problem, options }) => {
    const operands = attentionOperands(problem, options);
    const result = await runAttention(
      test,
      problem,
      operands,
      { sequence: 'matrix', depth: 'matrix', unroll: false },
      emulate,
    );
    expect(attentionViolations(problem, operands, result, true)).toEqual([]);
  });

  it('gives the same bits twice [webgpu f16]', async () => {
    const problem = attentionProblem({ T: 45, H: 2, dtype: 'f16' });
    const operands = attentionOperands(problem);
    const config = { sequence: 'matrix', unroll: false } as const;
    const first = await runAttention(test, problem, operands, config, emulate);
    expect((await runAttention(test, problem, operands, config, emulate)).raw).toEqual(first.raw);
  });
});
