import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  attentionOperands,
  attentionProblem,
  attentionViolations,
  runAttention,
} from '../../../test/attention-case.ts';
import { openTestDevice, type TestDevice } from '../../../test/device.ts';
import { emulateSubgroupMatrix } from '../../../test/emulate-subgroup-matrix.ts';
import { MATRIX_CAPABILITIES } from '../../../test/matrix-capabilities.ts';
import type { AttentionProblem } from '../attention-problem.ts';

let test: TestDevice;
beforeAll(async () => {
  const opened = await openTestDevice();
  const { maxWorkgroupMemoryBytes } = opened.capabilities;
  test = { ...opened, capabilities: { ...MATRIX_CAPABILITIES, maxWorkgroupMemoryBytes } };
});
afterAll(() => test.close());

const emulate = (shader: string) => (shader.includes('subgroup_matrix_left') ? emulateSubgroupMatrix(shader) : shader);

const CASES: [string, AttentionProblem, Parameters<typeof attentionOperands>[1]?][] = [
  ['causal G=2 D=16, ragged rows and keys', attentionProblem({ T: 45, H: 2, dtype: 'f16' })],
  ['not causal, B=2', attentionProblem({ B: 2, T: 33, H: 2, dtype: 'f16', causal: false })],
  ['window=7 of Tk=70', attentionProblem({ T: 21, Tk: 70, keyCapacity: 71, H: 2, dtype: 'f16', window: 7 })],
  [
    'documents of 7, 1 and 22 tokens, dLse',
    attentionProblem({ T: 30, H: 2, dtype: 'f16', hasDocRange: true, dLse: true }),
    { docRange: Array.from({ length: 30 }, (_, t) => (t < 7 ? [0, 7] : t < 8 ? [7, 8] : [8, 30])).flat() },
  ],
  ['logits of +-1e4', attentionProblem({ T: 37, H: 2, dtype: 'f16', scale: 1 }), { amplitude: 16 }],
  ['moda S=5', attentionProblem({ T: 19, H: 2, dtype: 'f16', S: 5, depthGrad: { dtype: 'f32', accumulate: true } })],
  [
    'depth attention G=3 S=17, deferred',
    attentionProblem({ B: 2, T: 2, H: 6, Hkv: 2, dtype: 'f16', S: 17, hasSequence: false, defersDepth: true }),
  ],
  [
    'depth attention G=3 S=18, slots beyond S hold NaN',
    {
      ...attentionProblem({
        B: 2,
        T: 3,
        H: 6,
        Hkv: 2,
        dtype: 'f16',
        hasSequence: false,
        depthGrad: { dtype: 'f16', accumulate: true },
      }),
      depth: { S: 18, segments: [20], Td: 4, chunk: 1, chunkPhase: 0 },
    },
  ],
];

// Compiling takes long on a busy machine without a GPU.
describe('attention on emulated subgroup matrices', { timeout: 400_000 }, () => {
  it.each(CASES)('equals f64 forward and backward: %s [webgpu]', async (_name, problem, options) => {
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

  it('gives the same bits twice [webgpu]', async () => {
    const problem = attentionProblem({ T: 45, H: 2, dtype: 'f16' });
    const operands = attentionOperands(problem);
    const config = { sequence: 'matrix', unroll: false } as const;
    const first = await runAttention(test, problem, operands, config, emulate);
    expect((await runAttention(test, problem, operands, config, emulate)).raw).toEqual(first.raw);
  });
});
