import type { Decoder } from '../src/index.ts';
import { hostParameters } from '../src/index.ts';

/** Moves every parameter off its initial value, so that zeros, ones and identities hide nothing. */
export async function shakeParameters(model: Decoder): Promise<void> {
  const values = await hostParameters(model);
  for (const [n, { data }] of [...values.values()].entries())
    data.forEach((x, i) => (data[i] = x + 0.2 * Math.sin(3 * i + n)));
  model.loadParameters(values);
}
