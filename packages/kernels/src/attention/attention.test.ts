import { describe, expect, it } from 'vitest';
import { MATRIX_CAPABILITIES } from '../../test/matrix-capabilities.ts';
import { BASELINE_CAPABILITIES } from '../plan/capabilities.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { attentionProblem } from '../testing/attention-case.ts';
import { planAttentionBackward } from './attention-backward.ts';
import { planAttentionForward } from './attention-forward.ts';

const labels = (plan: { passes: readonly { label: string }[] }) => plan.passes.map(({ label }) => label.split(' ')[0]);

describe('attention plans', () => {
  it('bind no depth memory at S=0', () => {
    const problem = attentionProblem({ S: 0 });
    for (const plan of [
      planAttentionForward(problem, BASELINE_CAPABILITIES),
      planAttentionBackward(problem, BASELINE_CAPABILITIES),
    ]) {
      expect(plan.passes.flatMap(({ bindings }) => bindings).filter(({ buffer }) => /depth/i.test(buffer))).toEqual([]);
    }
  });

  it('fit 8 storage buffers on the smallest device', () => {
    const problem = attentionProblem({ T: 40, S: 3, hasDocRange: true, dLse: true });
    for (const pass of planAttentionBackward(problem, BASELINE_CAPABILITIES).passes)
      expect(pass.bindings.length).toBeLessThanOrEqual(8);
  });

  it('choose rows for decoding, tiles without features, matrices where they are', () => {
    expect(labels(planAttentionForward(attentionProblem({ T: 1 }), BASELINE_CAPABILITIES))).toEqual([
      'attention-rows-forward',
    ]);
    expect(labels(planAttentionForward(attentionProblem({ T: 40 }), BASELINE_CAPABILITIES))).toEqual([
      'attention-tile-forward',
    ]);
    const half = attentionProblem({ T: 40, dtype: 'f16', S: 3 });
    expect(labels(planAttentionForward(half, MATRIX_CAPABILITIES))).toEqual([
      'attention-matrix-forward',
      'attention-depth-forward',
    ]);
    const software = { ...BASELINE_CAPABILITIES, vendor: 'mesa', architecture: 'software' };
    expect(labels(planAttentionForward(attentionProblem({ T: 40 }), software))).toEqual(['attention-rows-forward']);
  });

  it('split an arena at the binding limit and start bindings at aligned offsets', () => {
    const problem = attentionProblem({ T: 65536, H: 64, Hkv: 8, D: 64, dtype: 'f16', S: 64 });
    const plan = planAttentionForward(problem, MATRIX_CAPABILITIES);
    const ranges = plan.passes.flatMap(({ bindings }) => bindings.flatMap(({ range }) => (range ? [range] : [])));
    expect(plan.passes).toHaveLength(4);
    for (const { offset, size } of ranges) {
      expect(offset % 256).toBe(0);
      expect(size).toBeLessThanOrEqual(MATRIX_CAPABILITIES.maxBindingBytes);
    }
  });

  it.each([
    ['H must be a multiple of Hkv, got H=6, Hkv=4', attentionProblem({ H: 6, Hkv: 4 })],
    ['f16 storage needs the shader-f16 feature', attentionProblem({ dtype: 'f16' })],
    [
      'the segments must hold S slots',
      { ...attentionProblem(), depth: { S: 3, segments: [2], Td: 13, chunk: 1, chunkPhase: 0 } },
    ],
    ['D and Dv must be at most 256', attentionProblem({ D: 257 })],
    ['q must fit one binding', attentionProblem({ T: 1 << 22 })],
    [
      'one depth slot must fit one binding',
      { ...attentionProblem(), depth: { S: 1, segments: [1], Td: 1 << 23, chunk: 1, chunkPhase: 0 } },
    ],
  ])('refuse: %s', (message, problem) => {
    expect(() => planAttentionForward(problem, BASELINE_CAPABILITIES)).toThrow(KernelError);
    expect(() => planAttentionForward(problem, BASELINE_CAPABILITIES)).toThrow(message);
  });

  it('refuse the matrix variant where it cannot run', () => {
    const problem = attentionProblem({ T: 40 });
    expect(() => planAttentionForward(problem, MATRIX_CAPABILITIES, { sequence: 'matrix' })).toThrow(
      'storage must be f16',
    );
  });
});
