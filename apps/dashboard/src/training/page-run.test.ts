import { type Device, init } from '@modajs/tensor';
import { trainBpe } from '@modajs/tokenizer';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PAGE_MODELS, type PageModelSize } from './page-models.ts';
import { PageRun } from './page-run.ts';

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'cpu', threads: 1 });
});
afterAll(() => device.destroy());

it('page run > the baseline has as many parameters as MoDA, to half a unit of its feed-forward width, in every size [cpu]', () => {
  const text = 'The whale sees the ship, and the ship sees the whale. '.repeat(40);
  const tokenizer = trainBpe([text], { vocabSize: 300 });
  for (const size of Object.keys(PAGE_MODELS) as PageModelSize[]) {
    const [moda, baseline] = (['moda', 'baseline'] as const).map((variant) => {
      const run = new PageRun({ variant, size, text, tokenizer, steps: 1, seed: 1, device, listener: () => {} });
      run.decoder.dispose();
      return run;
    });
    const { nLayers, dModel } = moda.model;
    const difference = Math.abs(moda.decoder.countParameters() - baseline.decoder.countParameters());
    expect(difference).toBeLessThanOrEqual((nLayers * 3 * dModel) / 2);
    expect(difference).toBeLessThan(0.005 * moda.decoder.countParameters());
    expect([moda.model.depth.kind, baseline.model.depth.kind]).toEqual(['moda', 'residual']);
  }
});
