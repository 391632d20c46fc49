import { ConfigError } from '@modajs/tensor';
import type { Decoder } from '../decoder/decoder.ts';
import type { HostParameter } from '../decoder/load-parameters.ts';

/**
 * All parameters of a decoder, without adapters, read back to the host as f32, for `mergeAdapters` and the writers of files.
 *
 * @throws ConfigError for a block or depth path of the caller's, which such a file would lose without a word
 */
export async function hostParameters(model: Decoder): Promise<Map<string, HostParameter>> {
  if (model.isCustom) {
    throw new ConfigError(
      'hostParameters: files hold configured models, got one with a block or depth path of its own, which no reader would know. Save model.parameters() with writeSafetensors.',
    );
  }
  const parameters = new Map<string, HostParameter>();
  for (const [name, parameter] of Object.entries(model.parameters())) {
    parameters.set(name, { shape: parameter.shape, data: Float32Array.from(await parameter.data()) });
  }
  return parameters;
}
