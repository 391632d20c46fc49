import { describe, expect, it } from 'vitest';
import { MATRIX_CAPABILITIES } from '../../test/matrix-capabilities.ts';
import { planAttentionBackward } from '../attention/attention-backward.ts';
import { attentionCandidates } from '../attention/attention-candidates.ts';
import { planAttentionForward } from '../attention/attention-forward.ts';
import { planMatmul } from '../matmul/plan-matmul.ts';
import { BASELINE_CAPABILITIES } from '../plan/capabilities.ts';
import { attentionProblem } from '../testing/attention-case.ts';
import { matmulProblem } from '../testing/matmul-case.ts';
import { tuningKey } from './kernel-tuning.ts';
import { depthClass, matmulClass, sequenceClass } from './shape-class.ts';

const product = matmulProblem({ shape: [1, 4096, 4096, 4096] });
const half = attentionProblem({ T: 1000, H: 8, D: 64, dtype: 'f16', S: 40 });

describe('shape classes', () => {
  it('hold sizes to the nearest power of two, few rows one by one', () => {
    const at = (M: number) => matmulClass(matmulProblem({ shape: [1, M, 1024, 1024] }));
    expect(at(3000)).toBe(at(4096));
    expect(at(1000)).not.toBe(at(4096));
    expect(new Set([1, 2, 7, 8, 9].map(at)).size).toBe(5);
  });

  it('tell storage, layout, alignment and batch apart', () => {
    const shape = [1, 64, 64, 64] as const;
    const classes = [
      { shape },
      { shape, layout: 'NT' },
      { shape, dtypes: ['f16', 'f16', 'f32'] as const },
      { shape, padding: 1 },
      { shape: [2, 64, 64, 64] as const },
    ].map((test) => matmulClass(matmulProblem(test)));
    expect(new Set(classes).size).toBe(5);
  });
});

describe('plans', () => {
  it('use the measured configuration of their class, unless one is given', () => {
    const config = { kind: 'naive' } as const;
    const tuning = { matmul: { [matmulClass(product)]: config }, attention: {} };
    const label = (...more: [] | [typeof config]) =>
      planMatmul(product, { ...BASELINE_CAPABILITIES, maxBindingBytes: 2 ** 30, tuning }, ...more).passes[0]!.label;
    expect(label()).toBe('matmul-naive');
    expect(planMatmul(product, { ...BASELINE_CAPABILITIES, maxBindingBytes: 2 ** 30 }).passes[0]!.label).not.toBe(
      'matmul-naive',
    );
  });

  it('fall back to the default where a measured configuration cannot run', () => {
    const huge = {
      kind: 'tile',
      blockM: 512,
      blockN: 512,
      blockK: 64,
      threadM: 8,
      threadN: 8,
      stages: 2,
      splitK: 1,
    } as const;
    const capabilities = { ...BASELINE_CAPABILITIES, maxBindingBytes: 2 ** 30 };
    const tuning = { matmul: { [matmulClass(product)]: huge }, attention: {} };
    expect(planMatmul(product, { ...capabilities, tuning })).toEqual(planMatmul(product, capabilities));
  });

  it('take the tiles of the sequence and of the depth part from their own classes', () => {
    const tile = { subgroups: 2, fragments: 1, block: 16 };
    const attention = {
      [sequenceClass(half)]: { forward: tile, dq: tile, dkv: tile },
      [depthClass(half)]: { depthSubgroups: 4 },
    };
    const capabilities = { ...MATRIX_CAPABILITIES, tuning: { matmul: {}, attention } };
    const labels = [
      ...planAttentionForward(half, capabilities).passes,
      ...planAttentionBackward(half, capabilities).passes,
    ].map(({ label }) => label);
    for (const kernel of ['forward', 'dq', 'dkv']) {
      expect(labels).toContain(`attention-matrix-${kernel} 2x16x16 D=64 Dv=64`);
    }
    expect(labels).toContain('attention-depth-forward 4x16 D=64 Dv=64');
  });
});

describe('attentionCandidates', () => {
  it('start with the default and can all be planned', () => {
    for (const [problem, capabilities] of [
      [half, MATRIX_CAPABILITIES],
      [{ ...half, hasSequence: false }, MATRIX_CAPABILITIES],
      [attentionProblem(), BASELINE_CAPABILITIES],
    ] as const) {
      const candidates = attentionCandidates(problem, capabilities);
      expect(candidates[0]).toEqual({});
      expect(candidates.length).toBeGreaterThan(2);
      for (const config of candidates) {
        expect(planAttentionForward(problem, capabilities, config).passes.length).toBeGreaterThan(0);
        expect(planAttentionBackward(problem, capabilities, config).passes.length).toBeGreaterThan(0);
      }
    }
  });
});

describe('tuningKey', () => {
  it('tells drivers apart', () => {
    const info = { vendor: 'nvidia', architecture: '', device: 'H100', description: 'driver 1' };
    expect(tuningKey(info)).toBe('nvidia / - / H100 / driver 1');
    expect(tuningKey({ ...info, description: 'driver 2' })).not.toBe(tuningKey(info));
  });
});
