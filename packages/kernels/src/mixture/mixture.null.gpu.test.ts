import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileAll } from '../../test/compile-all.ts';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { MATRIX_CAPABILITIES } from '../../test/matrix-capabilities.ts';
import { planMix } from './mix.ts';
import { planMixWeights } from './mix-weights.ts';
import { planSinkhorn } from './sinkhorn.ts';
import { planSourceAttention, planSourceAttentionBackward } from './source-attention.ts';

let test: TestDevice;
beforeAll(async () => {
  test = await openTestDevice({ backend: 'null' });
});
afterAll(() => test.close());

const apart = (prefix: string, count: number, stride: number) =>
  Array.from({ length: count }, (_, i) => ({ buffer: `${prefix}${i}`, start: 0, stride, accumulate: i % 2 === 0 }));
const together = (buffer: string, count: number, C: number) =>
  Array.from({ length: count }, (_, i) => ({ buffer, start: i * C, stride: count * C, accumulate: true }));

describe('mixtures', () => {
  it.each(['f32', 'f16'] as const)('compile with their loops written out, of %s [null]', async (dtype) => {
    const tokens = 37;
    for (const C of [7, 256, 1028]) {
      const weights = { dtype, start: 0, token: 20, out: 5, source: 1 };
      const shapes = [
        { sources: apart('x', 11, C), outs: apart('o', 4, C) },
        { sources: [...together('x', 4, C), ...apart('y', 1, C)], outs: together('o', 4, C) },
      ];
      const plans = shapes.flatMap(({ sources, outs }) => [
        planMix({ dtype, tokens, C, weights, sources, outs }, MATRIX_CAPABILITIES),
        ...[null, { accumulate: true }].map((shared) =>
          planMixWeights({ dtype, tokens, C, weights, shared, sources, gradients: outs }, MATRIX_CAPABILITIES),
        ),
      ]);
      const attention = { dtype, tokens, C, eps: 1e-5, sources: [0, 0, 0, 0, 0], query: 0, out: 0, stats: 0 };
      const gradients = attention.sources.map((start) => ({ start, accumulate: true }));
      plans.push(
        planSourceAttention(attention, MATRIX_CAPABILITIES),
        planSourceAttentionBackward({ ...attention, dOut: 0, gradients, dQuery: null }, MATRIX_CAPABILITIES),
      );
      for (const rows of [1, 4, 8]) {
        const offsets = { logits: 0, dOut: 0, out: 0 };
        plans.push(planSinkhorn({ dtype, matrices: 7, rows, iterations: 20, offsets }, MATRIX_CAPABILITIES));
      }
      for (const { passes } of plans) {
        for (const { bindings } of passes) expect(bindings.length).toBeLessThanOrEqual(8);
      }
      expect(await compileAll(test.device, plans)).toBeGreaterThan(8);
    }
  });
});
