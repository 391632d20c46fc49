import type { Decoder, StoredParameter } from '@modajs/models';

/**
 * Reads a pretrained model's parameters into a model made of its configuration by `tunedModelConfig`; what the depth mechanism
 * adds keeps its first values.
 *
 * @throws CheckpointError when a parameter is missing, unknown or of another shape
 */
export async function adoptParameters(
  decoder: Decoder,
  pretrained: ReadonlyMap<string, StoredParameter>,
): Promise<void> {
  const all = new Map(pretrained);
  for (const [name, parameter] of Object.entries(decoder.parameters())) {
    if (all.has(name) || !name.includes('.depth.')) continue;
    const { shape } = parameter;
    all.set(name, { shape, read: async () => ({ shape, data: await parameter.data() }) });
  }
  await decoder.readParameters(all);
}
