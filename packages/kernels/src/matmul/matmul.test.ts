import { describe, expect, it } from 'vitest';
import { BASELINE_CAPABILITIES, type DeviceCapabilities } from '../plan/capabilities.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { matmulProblem } from '../testing/matmul-case.ts';
import { matmulPlanner } from './matmul.ts';
import { chooseMatmulConfig, matmulCandidates } from './matmul-choice.ts';
import { describeMatmulConfig } from './matmul-config.ts';
import { fitsDevice } from './matmul-fit.ts';
import { planMatmul } from './plan-matmul.ts';

const h100: DeviceCapabilities = {
  ...BASELINE_CAPABILITIES,
  f16: true,
  subgroups: { min: 32, max: 32 },
  subgroupMatrix: [{ componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 }],
  maxWorkgroupMemoryBytes: 49152,
  maxInvocations: 1024,
  maxWorkgroupSize: [1024, 1024, 64],
  maxBindingBytes: 2 ** 31 - 4,
};
const half = ['f16', 'f16', 'f16'] as const;
const square = { shape: [1, 4096, 4096, 4096] } as const;

describe('planMatmul', () => {
  it('binds only operands that the problem has', () => {
    const plain = planMatmul(matmulProblem({ shape: [1, 8, 8, 8] }), h100);
    expect(new Set(plain.passes.flatMap(({ bindings }) => bindings.map(({ buffer }) => buffer)))).toEqual(
      new Set(['a', 'b', 'out']),
    );
    const full = planMatmul(matmulProblem({ shape: [1, 8, 8, 8], bias: true, residual: true }), h100);
    expect(full.passes[0]?.bindings.map(({ buffer }) => buffer)).toEqual(['a', 'b', 'bias', 'residual', 'out']);
  });

  it('reads 16 bytes at a time whatever the stride of a batch of one', () => {
    const [problem, shifted] = [0, 1].map((offset) => {
      const plain = matmulProblem({ shape: [1, 512, 512, 512], dtypes: half });
      return { ...plain, a: { ...plain.a, batchStride: 1, offset }, out: { ...plain.out, batchStride: 1 } };
    });
    const [wide, narrow] = [problem!, shifted!].map((each) => planMatmul(each, h100).passes[0]!);
    expect(wide!.shader).toContain('alias AWord = vec4<u32>');
    expect(wide!.shader).toContain('alias OutWord = vec4<u32>');
    expect(wide!.label).not.toContain('unaligned');
    expect(narrow!.shader).toContain('alias AWord = u32');
    expect(narrow!.label).toContain('unaligned');
  });

  it('reads over M and N between padded rows, never over K', () => {
    const word = (layout: string, name: 'A' | 'B') => {
      const problem = matmulProblem({ shape: [1, 501, 301, 205], layout, dtypes: half, rowMultiple: 8 });
      return /vec4/.test(
        new RegExp(`alias ${name}Word = (.*);`).exec(planMatmul(problem, h100).passes[0]!.shader)![1]!,
      );
    };
    expect([word('TN', 'A'), word('TN', 'B')]).toEqual([true, true]);
    expect([word('NT', 'A'), word('NT', 'B')]).toEqual([false, false]);
  });

  it('without the variant on subgroup matrices plans the same on devices without them, and refuses it', () => {
    const problem = matmulProblem({ shape: [1, 512, 512, 512], dtypes: half });
    const without = { ...h100, subgroupMatrix: [] };
    const planner = matmulPlanner(null);
    expect(planner(problem, without)).toEqual(planMatmul(problem, without));
    expect(() => planner(problem, h100)).toThrow(
      /needs the planner of subgroup matrices, got none\. Use planMatmul\.$/,
    );
  });

  it('plans nothing for an empty product', () => {
    for (const shape of [
      [0, 3, 5, 7],
      [1, 0, 5, 7],
      [1, 3, 0, 7],
    ] as const) {
      expect(planMatmul(matmulProblem({ shape }), h100)).toEqual({ passes: [], workspace: {} });
    }
  });

  it('folds more workgroups than a dimension holds', () => {
    const { passes } = planMatmul(matmulProblem({ shape: [70001, 1, 16, 3] }), h100, { kind: 'naive' });
    const [x, y] = passes[0]!.workgroups;
    expect(x).toBeLessThanOrEqual(65535);
    expect(x * y).toBeGreaterThanOrEqual(70001);
  });

  it('adds slices of K in a second pass, through a workspace of f32', () => {
    const problem = matmulProblem({ shape: [2, 5, 7, 1000], dtypes: half });
    const tile = { kind: 'tile', blockM: 32, blockN: 32, blockK: 16, threadM: 4, threadN: 4, stages: 1 } as const;
    const { passes, workspace } = planMatmul(problem, h100, { ...tile, splitK: 4 });
    expect(passes.map(({ label }) => label.split(' ')[0])).toEqual(['matmul-tile', 'matmul-reduce']);
    expect(Object.values(workspace)).toEqual([4 * 2 * 5 * 7 * 4]);
  });

  it.each([
    ['M', { more: { M: 1.5 } }, 'matmul: M must be an integer >= 0, got 1.5'],
    ['a row that is too short', { more: { out: { dtype: 'f32', ld: 7, batchStride: 0, offset: 0 } } }, 'out.ld'],
    ['overlapping entries', { more: { out: { dtype: 'f32', ld: 8, batchStride: 8, offset: 0 } } }, 'must not overlap'],
    ['integers', { more: { out: { dtype: 'i32', ld: 8, batchStride: 64, offset: 0 } } }, 'must be f32 or f16, got i32'],
  ] as const)('refuses %s with the figures', (_what, change, message) => {
    expect(() => planMatmul(matmulProblem({ shape: [2, 8, 8, 8], ...change }), h100)).toThrow(KernelError);
    expect(() => planMatmul(matmulProblem({ shape: [2, 8, 8, 8], ...change }), h100)).toThrow(message);
  });

  it('refuses f16 without shader-f16, and operands beyond a binding', () => {
    expect(() => planMatmul(matmulProblem({ shape: [1, 8, 8, 8], dtypes: half }), BASELINE_CAPABILITIES)).toThrow(
      'no shader-f16',
    );
    expect(() => planMatmul(matmulProblem({ shape: [1, 8192, 8, 8192] }), BASELINE_CAPABILITIES)).toThrow(
      /within one binding of 134217728 B, got 268435456 B\. Lower .*seqLen, dModel, dFf or vocabSize/,
    );
  });

  it('adds the lanes of few rows up without barriers where they divide the one subgroup size', () => {
    const shader = (M: number, lanes: number, subgroups: DeviceCapabilities['subgroups']) => {
      const problem = matmulProblem({ shape: [1, M, 64, 512], layout: 'NT' });
      const config = { kind: 'gemv', columns: 2, lanes, groups: 4, splitK: 1 } as const;
      return planMatmul(problem, { ...h100, subgroups }, config).passes[0]!.shader;
    };
    const one = { min: 32, max: 32 };
    expect(shader(1, 32, one)).toContain('subgroupShuffleXor');
    expect(shader(1, 32, one)).not.toMatch(/workgroupBarrier|var<workgroup>/);
    const others = [shader(5, 32, one), shader(1, 64, one), shader(1, 32, { min: 8, max: 32 }), shader(1, 32, null)];
    for (const text of others) {
      expect(text).toContain('workgroupBarrier');
      expect(text).not.toMatch(/subgroup/);
    }
  });

  it('refuses configurations that the device or the operands do not allow', () => {
    const problem = matmulProblem({ shape: [1, 64, 64, 64] });
    const tile = { kind: 'tile', blockM: 128, blockN: 128, blockK: 32, threadM: 8, threadN: 8, stages: 2 } as const;
    expect(() => planMatmul(problem, h100, { ...tile, splitK: 1 })).toThrow('needs 67584 B of workgroup memory');
    expect(() => planMatmul(problem, h100, { ...tile, blockK: 8, threadM: 6, splitK: 1 })).toThrow('multiples of');
    expect(() => planMatmul(problem, h100, { kind: 'gemv', columns: 1, lanes: 32, groups: 4, splitK: 1 })).toThrow(
      'M <= 8',
    );
    const matrix = chooseMatmulConfig(matmulProblem({ ...square, dtypes: half }), h100);
    expect(() => planMatmul(problem, h100, matrix)).toThrow('multiplies f16 operands');
    const bare = { ...h100, subgroupMatrix: [] };
    expect(() => planMatmul(matmulProblem({ ...square, dtypes: half }), bare, matrix)).toThrow('needs f16 fragments');
  });
});

describe('chooseMatmulConfig', () => {
  const choose = (test: Parameters<typeof matmulProblem>[0], capabilities = h100) =>
    describeMatmulConfig(chooseMatmulConfig(matmulProblem(test), capabilities));

  it('takes the highest variant that the device has', () => {
    expect(choose({ ...square, dtypes: half })).toContain('matmul-subgroup-matrix 128x128x32');
    expect(choose({ ...square, dtypes: half, layout: 'NT' })).toContain('matmul-subgroup-matrix 128x128');
    expect(choose(square)).toContain('matmul-tile 128x128x8');
    expect(choose({ shape: [1, 1, 4096, 4096], layout: 'NT' })).toContain('matmul-gemv');
    expect(choose(square, { ...BASELINE_CAPABILITIES, maxBindingBytes: 2 ** 31 })).toContain('matmul-tile 128x128x8');
  });

  it('splits K when few tiles cover out', () => {
    expect(choose({ shape: [1, 64, 64, 8192] })).toContain('split');
    expect(choose({ shape: [1, 64, 1024, 4096], dtypes: half, layout: 'NT' })).toContain('split');
    expect(choose(square)).not.toContain('split');
  });

  it('keeps shaders short on a software adapter', () => {
    const software = { ...h100, subgroupMatrix: [], vendor: 'mesa', architecture: 'software' };
    expect(choose({ shape: [1, 64, 64, 64] }, software)).toBe('matmul-naive');
    expect(choose({ shape: [1, 512, 512, 512] }, software)).toContain('matmul-tile 32x32x4');
  });
});

describe('matmulCandidates', () => {
  it('starts with the default and names only what fits, once', () => {
    for (const capabilities of [h100, BASELINE_CAPABILITIES]) {
      const problem = matmulProblem({ shape: [1, 7, 1000, 2000], layout: 'NT' });
      const candidates = matmulCandidates(problem, capabilities);
      expect(candidates[0]).toEqual(chooseMatmulConfig(problem, capabilities));
      const names = candidates.map(describeMatmulConfig);
      expect(new Set(names).size).toBe(names.length);
      for (const config of candidates) expect(fitsDevice(problem, config, capabilities)).toBe(true);
    }
  });
});
