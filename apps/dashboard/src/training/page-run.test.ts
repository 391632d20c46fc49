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

it('page run > MoDA has a FFN projection a block but the last more than its baseline, in every size [cpu]', () => {
  const text = 'The whale sees the ship, and the ship sees the whale. '.repeat(40);
  const tokenizer = trainBpe([text], { vocabSize: 300 });
  for (const size of Object.keys(PAGE_MODELS) as PageModelSize[]) {
    const [moda, baseline] = (['moda', 'baseline'] as const).map((variant) => {
      const run = new PageRun({ variant, size, text, tokenizer, steps: 1, seed: 1, device, listener: () => {} });
      run.decoder.dispose();
      return run;
    });
    const { nLayers, dModel, nKvHeads, headDim } = moda.model;
    const projections = (nLayers - 1) * dModel * 2 * nKvHeads * headDim;
    expect(moda.decoder.countParameters() - baseline.decoder.countParameters()).toBe(projections);
  }
});
