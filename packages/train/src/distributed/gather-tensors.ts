import type { SafetensorsInput } from '@modajs/tensor';
import { broadcastJson } from './broadcast-json.ts';
import type { Collective } from './collective.ts';

/**
 * Collects tensors that each rank holds a share of: rank 0 gets all of them on the host, by name, the others nothing. One
 * tensor travels at a time, so no rank but 0 holds more than its share and one tensor.
 */
export async function gatherTensors(
  collective: Collective,
  own: Readonly<Record<string, SafetensorsInput>>,
): Promise<Record<string, SafetensorsInput>> {
  const gathered: Record<string, SafetensorsInput> = {};
  for (let root = 0; root < collective.size; root++) {
    const isRoot = root === collective.rank;
    const shapes = Object.entries(own).map(([name, { shape }]): [string, readonly number[]] => [name, shape]);
    for (const [name, shape] of await broadcastJson(collective, isRoot ? shapes : null, root)) {
      const size = shape.reduce((product, length) => product * length, 1);
      const data = isRoot ? await valuesOf(own[name]) : new Float32Array(size);
      await collective.broadcast(data, root);
      if (collective.rank === 0) gathered[name] = { dtype: 'F32', shape, data };
    }
  }
  return gathered;
}

async function valuesOf(tensor: SafetensorsInput): Promise<Float32Array> {
  return Float32Array.from('isTensor' in tensor ? await tensor.data() : tensor.data);
}
