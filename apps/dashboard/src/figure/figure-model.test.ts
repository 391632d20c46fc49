import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapPrompt } from '../attention/map-prompt.ts';
import { characters, createFigureModel, FIGURE_CONFIG, FIGURE_PROMPT, trainFigureModel } from './figure-model.ts';
import { sharesAt } from './writer-shares.ts';

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'cpu', threads: 1 });
});
afterAll(() => device.destroy());

describe('figure model [cpu]', () => {
  it('learns, and its shares are those of its own attention maps', async () => {
    using decoder = createFigureModel(device);
    const losses: number[] = [];
    await trainFigureModel(decoder, 'the whale sees the ship. '.repeat(20), 12, async (_, loss) => {
      losses.push(await loss.item());
    });
    expect(losses[0]).toBeCloseTo(Math.log(FIGURE_CONFIG.vocabSize), 0);
    expect(losses.at(-1)).toBeLessThan(losses[0] - 0.5);
    const maps = await mapPrompt(decoder, characters, FIGURE_PROMPT);
    const T = FIGURE_PROMPT.length;
    expect(maps.tokens.join('').replaceAll('␣', ' ')).toBe(FIGURE_PROMPT);
    const byPosition = Array.from({ length: T }, (_, t) => sharesAt(maps, t));
    for (let block = 0; block < FIGURE_CONFIG.nLayers; block++) {
      expect(byPosition[0][block].writers).toHaveLength(block);
      const mean = byPosition.reduce((sum, shares) => sum + shares[block].depth / T, 0);
      const own = maps.depthMass[block].reduce((sum, mass) => sum + mass / FIGURE_CONFIG.nHeads, 0);
      expect(Math.abs(mean - own)).toBeLessThan(1e-6);
    }
  });

  it('takes what is no ASCII as a space', () => {
    expect(Array.from(characters.encode('aé\n'))).toEqual([97, 32, 10]);
  });
});
