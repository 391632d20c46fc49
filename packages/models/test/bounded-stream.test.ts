import { backward, ConfigError, init, noGrad, tensor, tidy } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import {
  countFlops,
  countParameters,
  createDecoder,
  type DecoderConfig,
  defineDecoderConfig,
  hostParameters,
  presets,
} from '../src/index.ts';

const recency = defineDecoderConfig({
  nLayers: 4,
  nHeads: 6,
  nKvHeads: 2,
  headDim: 4,
  dModel: 10,
  dFf: 14,
  vocabSize: 19,
  depth: { kind: 'moda', slots: 3 },
  norm: 'post',
});
const score: DecoderConfig = defineDecoderConfig({ ...recency, depth: { kind: 'moda', slots: 3, slotsBy: 'score' } });
const ids = [[3, 1, 4, 1, 5, 9, 2]];

describe('bounded depth stream [reference]', () => {
  it('by score begins as the one by recency, whose parameters it has and more', async () => {
    using device = await init({ device: 'reference' });
    using plain = createDecoder(recency, { seed: 2, device });
    // Host parameters are f32: both models get the rounded ones.
    plain.loadParameters(await hostParameters(plain));
    const both = defineDecoderConfig({ ...recency, depth: { kind: 'moda', slots: 3, slotsBy: 'both' } });
    for (const config of [score, both]) {
      using scored = createDecoder(config, { device });
      scored.loadParameters(new Map([...(await hostParameters(scored)), ...(await hostParameters(plain))]));
      const run = (model: typeof plain) =>
        tidy(() => noGrad(() => model.forward(tensor(ids, { dtype: 'i32' })))).data();
      const [expected, actual] = [await run(plain), await run(scored)];
      expected.forEach((value, i) => {
        expect(Math.abs(actual[i] - value)).toBeLessThan(1e-12);
      });
    }
  });

  it('gives its scores a gradient from the first step', async () => {
    using device = await init({ device: 'reference' });
    using model = createDecoder(score, { seed: 2, device });
    const x = tensor(ids, { dtype: 'i32' });
    backward(model.loss(x, x));
    for (const [name, { grad }] of Object.entries(model.parameters())) {
      if (!name.endsWith('_score.weight')) continue;
      expect(
        Array.from(await grad!.data()).some((value) => value !== 0),
        name,
      ).toBe(true);
    }
  });

  it('counts C Hkv + Hkv parameters a slot, and reads no more than S', () => {
    const { dModel, nKvHeads } = score;
    const slots = 2 * 3;
    expect(countParameters(score) - countParameters(recency)).toBe(slots * (dModel * nKvHeads + nKvHeads));
    expect(countFlops(score, 8).depth).toBe(countFlops(recency, 8).depth);
    expect(countFlops(score, 8).linear - countFlops(recency, 8).linear).toBe(2 * 8 * slots * dModel * nKvHeads);
    const paper = defineDecoderConfig({ ...presets['moda-700m'], depth: { kind: 'moda', slots: 8 } });
    const byScore = defineDecoderConfig({ ...paper, depth: { kind: 'moda', slots: 8, slotsBy: 'score' } });
    const more = countParameters(byScore) - countParameters(paper);
    expect(more).toBe(70 * (1024 * 8 + 8));
  });

  it('refuses a score without a bound, and checkpointing', async () => {
    expect(() => defineDecoderConfig({ ...score, depth: { kind: 'moda', slotsBy: 'score' } })).toThrow(
      'needs a bounded stream',
    );
    using device = await init({ device: 'reference' });
    using model = createDecoder(score, { device });
    const x = tensor(ids, { dtype: 'i32' });
    expect(() => model.loss(x, x, { checkpoint: true })).toThrow(ConfigError);
  });
});
