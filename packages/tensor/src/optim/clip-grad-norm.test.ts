import { describe, expect, it } from 'vitest';
import { asParameter, backward } from '../core/autograd.ts';
import { tidy } from '../core/scope.ts';
import { init } from '../init.ts';
import { tensor } from '../ops/creation.ts';
import { sum } from '../ops/reductions.ts';
import { square } from '../ops/unary.ts';
import { AdamW } from './adamw.ts';
import { clipGradNorm } from './clip-grad-norm.ts';

describe('clipGradNorm', () => {
  it.each(['reference', 'cpu'] as const)(
    'keeps no memory outside a scope, of two models in turn [%s]',
    async (name) => {
      using device = await init({ device: name, threads: 1 });
      const models = [3, 5].map((value) => asParameter(tensor([value, 0], { device })));
      const optimizers = models.map((weight) => new AdamW({ weight }, { lr: 0.1 }));
      const kept: number[] = [];
      const norms: Promise<number>[] = [];
      for (let step = 0; step < 5; step++) {
        for (const weight of models) tidy(() => backward(sum(square(weight))));
        // Both are clipped before either takes its step.
        const clipped = models.map((weight) => clipGradNorm({ weight }, 1));
        for (const { norm } of clipped) norms.push(norm.item());
        for (const [i, optimizer] of optimizers.entries()) {
          optimizer.step({ gradScale: clipped[i].gradScale });
          optimizer.zeroGrad();
        }
        kept.push(device.memory().liveBytes);
      }
      expect(new Set(kept).size).toBe(1);
      // A norm that is being read when the next call frees it arrives all the same.
      const [first, second] = await Promise.all(norms);
      expect([first, second]).toEqual([6, 10]);
      expect((await Promise.all(norms)).every((norm) => norm > 4)).toBe(true);
    },
  );
});
