import { describe, expect, it } from 'vitest';
import { BASELINE_CAPABILITIES } from '../plan/capabilities.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { planElementwise } from './elementwise.ts';

const f32 = (strides: number[], offset = 0) => ({ dtype: 'f32' as const, strides, offset });
const plan = (shape: number[], ...operands: ReturnType<typeof f32>[]) =>
  planElementwise(
    { op: operands.length === 2 ? 'exp' : 'add', shape, inputs: operands.slice(0, -1), out: operands.at(-1)! },
    BASELINE_CAPABILITIES,
  );

describe('planElementwise', () => {
  it('reads four numbers at a time only where alignment allows', () => {
    expect(plan([8], f32([1]), f32([1])).passes[0].label).toBe('exp f32 vec4');
    expect(plan([7], f32([1]), f32([1])).passes[0].label).toBe('exp f32');
    expect(plan([8], f32([1], 2), f32([1])).passes[0].label).toBe('exp f32');
    expect(plan([2, 4], f32([5, 1]), f32([4, 1])).passes[0].label).toBe('exp f32');
    expect(plan([2, 4], f32([8, 1]), f32([4, 1])).passes[0].label).toBe('exp f32 vec4');
  });

  it('folds many workgroups into a second dimension', () => {
    const { workgroups } = plan([2 ** 26 + 1], f32([2]), f32([1])).passes[0];
    expect(workgroups).toEqual([52429, 5, 1]);
    expect(workgroups[0] * workgroups[1] * 256).toBeGreaterThan(2 ** 26);
  });

  it('does nothing for no elements', () => {
    expect(plan([0, 3], f32([3, 1]), f32([3, 1])).passes).toEqual([]);
  });

  it('refuses seven dimensions that do not merge, f16 without the feature, and operators of other inputs', () => {
    const shape = [2, 2, 2, 2, 2, 2, 2];
    const backwards = [1, 2, 4, 8, 16, 32, 64];
    expect(() => plan(shape, f32(backwards), f32(backwards.toReversed()))).toThrow(/at most 6 dimensions.*got 7/);
    const half = { dtype: 'f16' as const, strides: [1], offset: 0 };
    const problem = { op: 'exp' as const, shape: [4], inputs: [half], out: half };
    expect(() => planElementwise(problem, BASELINE_CAPABILITIES)).toThrow(KernelError);
    expect(() => plan([4], f32([1]), f32([1]), f32([1]), f32([1]))).toThrow(/operator of 3 f32 inputs/);
  });
});
