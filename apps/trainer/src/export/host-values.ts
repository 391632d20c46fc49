import type { HostParameter } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import { type ModelSource, mergedValues } from '../model/model-source.ts';

/**
 * All parameters of a model on the host, adapters merged into the weights where that is asked for.
 *
 * @throws ConfigError for a model with an adapter that is not to be merged; CheckpointError
 */
export async function hostValues(source: ModelSource, merge: boolean): Promise<ReadonlyMap<string, HostParameter>> {
  const adapters = await source.adapters();
  if (adapters.length > 0 && !merge) {
    throw new ConfigError(
      `export: ${source.name} is an adapter on ${adapters[0].base}, which this format has no place for. Use --merge, or --format peft.`,
    );
  }
  const { parameters, requireBases } = await mergedValues(source);
  const values = new Map<string, HostParameter>();
  for (const [name, stored] of parameters) {
    const { shape, data } = await stored.read();
    values.set(name, { shape, data: Float32Array.from(data) });
  }
  requireBases();
  return values;
}
