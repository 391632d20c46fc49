import type { HostParameter, StoredParameter } from '../decoder/load-parameters.ts';
import { type LoraConfig, loraScale } from './lora-config.ts';

/** An adapter's values on the host, by our names. */
export interface AdapterValues {
  readonly config: LoraConfig;
  readonly parameters: ReadonlyMap<string, HostParameter>;
}

/** A model's parameters with adapters added to the weights: `W + scale B A`, each summed in f64 when it is read. */
export function mergeAdapters(
  parameters: ReadonlyMap<string, StoredParameter>,
  adapters: readonly AdapterValues[],
): ReadonlyMap<string, StoredParameter> {
  const merged = new Map(parameters);
  for (const [name, stored] of parameters) {
    const map = name.replace(/\.weight$/, '');
    const own = adapters.filter((adapter) => adapter.parameters.has(`${map}.lora_A.weight`));
    if (map === name || own.length === 0) continue;
    merged.set(name, {
      shape: stored.shape,
      read: async () => own.reduce((weight, adapter) => withAdapter(weight, map, adapter), await stored.read()),
    });
  }
  return merged;
}

function withAdapter(
  { shape, data }: HostParameter,
  map: string,
  { config, parameters }: AdapterValues,
): HostParameter {
  const [O, I] = shape;
  const { rank } = config;
  const scale = loraScale(config);
  const a = parameters.get(`${map}.lora_A.weight`)!.data;
  const b = parameters.get(`${map}.lora_B.weight`)!.data;
  const row = new Float64Array(I);
  const sum = new Float32Array(O * I);
  for (let o = 0; o < O; o++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = scale * b[o * rank + r];
      for (let i = 0; i < I; i++) row[i] += factor * a[r * I + i];
    }
    for (let i = 0; i < I; i++) sum[o * I + i] = data[o * I + i] + row[i];
  }
  return { shape, data: sum };
}
