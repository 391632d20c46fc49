import { type Device, type DType, noGrad, tensor, tidy } from '@modajs/tensor';
import { createDecoder, type Decoder, DecoderCache, type DecoderConfig, hostParameters } from '../src/index.ts';

/** A model of weights that are not tiny, so that attention and norms matter. */
export async function loudModel(config: DecoderConfig, device: Device, dtype: DType = 'f32'): Promise<Decoder> {
  const model = createDecoder(config, { seed: 3, device, dtype });
  const values = await hostParameters(model);
  for (const [n, { data }] of [...values.values()].entries())
    data.forEach((x, i) => (data[i] = 2 * x + 0.2 * Math.sin(3 * i + n)));
  model.loadParameters(values);
  return model;
}

/** Logits of what follows `ids`, by one full forward pass. */
export async function lastLogits(model: Decoder, ids: number[]): Promise<number[]> {
  const { device } = model;
  const all = tidy(() => noGrad(() => model.logits(model.forward(tensor([ids], { dtype: 'i32', device })))));
  const values = Array.from(await all.data());
  all.dispose();
  return values.slice(-model.config.vocabSize);
}

/** A cache of one row that has seen `ids`. */
export function prefilled(model: Decoder, ids: number[], capacity: number): DecoderCache {
  const { config, computeDtype: dtype, device } = model;
  const cache = new DecoderCache(config, { B: 1, capacity, dtype, device });
  tidy(() => noGrad(() => void model.forward(tensor([ids], { dtype: 'i32', device }), { cache })));
  return cache;
}
