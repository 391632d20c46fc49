import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDecoder, type Decoder } from '../src/index.ts';
import { smallConfigs } from './small-configs.ts';

describe('initial weights [reference]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
  });
  afterAll(() => device.destroy());

  const valuesOf = async (decoder: Decoder): Promise<Map<string, { shape: string; values: readonly number[] }>> => {
    const entries = Object.entries(decoder.parameters()).map(
      async ([name, tensor]) =>
        [name, { shape: String(tensor.shape), values: Array.from(await tensor.data()) }] as const,
    );
    return new Map(await Promise.all(entries));
  };
  const build = async (name: string, seed: number) => {
    const decoder = createDecoder(smallConfigs[name], { device, seed });
    const values = await valuesOf(decoder);
    decoder.dispose();
    return values;
  };

  it.each(Object.keys(smallConfigs))(
    'of %s equal those of residual where name and shape are the same',
    async (name) => {
      const [residual, other] = [await build('residual', 3), await build(name, 3)];
      const isDeeper = smallConfigs[name].nLayers !== smallConfigs.residual.nLayers;
      const shared = [...other].filter(
        ([key, { shape }]) => residual.get(key)?.shape === shape && !(isDeeper && /(o_proj|down_proj)/.test(key)),
      );
      expect(shared.length).toBeGreaterThan(0);
      for (const [key, { values }] of shared) expect([key, values]).toEqual([key, residual.get(key)!.values]);
    },
  );

  it('differ between seeds and between parameters', async () => {
    const [one, two] = [await build('moda', 1), await build('moda', 2)];
    const drawn = [...one].filter(([, { values }]) => new Set(values).size > 2);
    const starts = [one, two].flatMap((all) => drawn.map(([key]) => String(all.get(key)!.values.slice(0, 4))));
    expect(new Set(starts).size).toBe(2 * drawn.length);
  });
});
