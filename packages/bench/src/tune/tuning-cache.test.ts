import type { KernelTuning } from '@modajs/kernels';
import { DataError } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { readTuningCache, withoutTuning, withTuning } from './tuning-cache.ts';

const tile = { kind: 'tile', blockM: 64, blockN: 64, blockK: 8, threadM: 8, threadN: 4, stages: 1, splitK: 1 } as const;
const tuning: KernelTuning = {
  matmul: {
    'f32 class': tile,
    few: { kind: 'gemv', columns: 2, lanes: 32, groups: 4, splitK: 1 },
    small: { kind: 'naive' },
  },
  attention: { 'sequence class': { forward: { subgroups: 4, fragments: 2, block: 16 } }, depth: { depthSubgroups: 2 } },
};

it('withoutTuning > forgets one adapter and keeps the others', () => {
  expect(readTuningCache(withoutTuning({ one: tuning, other: tuning }, 'one'))).toEqual({ other: tuning });
  expect(readTuningCache(withoutTuning({ one: tuning }, 'unknown'))).toEqual({ one: tuning });
});

describe('readTuningCache', () => {
  it('reads what withTuning wrote, and keeps other adapters', () => {
    const one = withTuning({}, 'card / driver 1', tuning);
    const both = withTuning(readTuningCache(JSON.parse(JSON.stringify(one))), 'card / driver 2', tuning);
    expect(readTuningCache(JSON.parse(JSON.stringify(both)))).toEqual({
      'card / driver 1': tuning,
      'card / driver 2': tuning,
    });
  });

  it.each([
    ['another version', { version: 0, adapters: {} }, 'must have version 1, got 0'],
    ['a list', [], 'must hold an object'],
    ['no adapters', { version: 1 }, 'must hold adapters'],
    [
      'half a tuning',
      { version: 1, adapters: { card: { matmul: {} } } },
      'matmul and attention for each adapter, got card',
    ],
    [
      'an unknown kernel',
      { version: 1, adapters: { card: { matmul: { x: { kind: 'cuda' } }, attention: {} } } },
      'of matmul for "x"',
    ],
    [
      'a size that is none',
      { version: 1, adapters: { card: { matmul: { x: { ...tile, blockM: '64' } }, attention: {} } } },
      'of matmul for "x"',
    ],
    [
      'a tile without a block',
      { version: 1, adapters: { card: { matmul: {}, attention: { x: { dq: { subgroups: 4, fragments: 2 } } } } } },
      'of attention for "x"',
    ],
  ])('refuses %s', (_name, value, message) => {
    expect(() => readTuningCache(value)).toThrow(DataError);
    expect(() => readTuningCache(value)).toThrow(message);
  });
});
