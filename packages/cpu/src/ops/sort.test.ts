import { describe, expect, it } from 'vitest';
import { onEveryThreadCount, place, room, take, wave } from '../../test/test-runtime.ts';
import { argsortReference } from '../reference/index.ts';
import { argsort } from './sort.ts';

const SPECIAL = [NaN, 0, -0, 1, -1, Infinity, -Infinity];

describe('argsort', () => {
  for (const [rows, n] of [
    [1, 1],
    [3, 7],
    [2, 32],
    [5, 33],
    [2, 5000],
  ]) {
    it(`equals the reference, ties and NaN included [rows=${rows} n=${n}] [cpu]`, async () => {
      const floats = wave(rows * n).map((v, i) => (i % 4 === 0 ? SPECIAL[(i / 4) % 7] : Math.round(v * 16) / 16));
      const integers = floats.map((v) => (Number.isFinite(v) ? Math.round(v * 5) : 2 ** 31 - 1));
      for (const [dtype, x] of [
        ['f32', floats],
        ['f16', floats],
        ['i32', integers],
        ['u32', integers.map((v) => v >>> 0)],
      ] as const) {
        for (const isDescending of [false, true]) {
          const [found] = await onEveryThreadCount((runtime) => {
            const out = room(runtime, [rows, n], 'i32');
            argsort(runtime, place(runtime, x, [rows, n], dtype), out, isDescending);
            return [take(runtime, out)];
          });
          expect(found).toEqual(argsortReference(x, n, isDescending));
        }
      }
    });
  }
});
