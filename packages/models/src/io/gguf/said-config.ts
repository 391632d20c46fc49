import { CheckpointError, ConfigError, shown } from '@modajs/tensor';
import type { DecoderConfig } from '../../config/decoder-config.ts';
import { configFromGguf } from './gguf-config.ts';
import type { GgufTensor, GgufValue } from './gguf-file.ts';

/** The first field of a configuration that a GGUF file gives back otherwise; null when all come back. */
export function firstUnsaid(given: DecoderConfig, back: DecoderConfig): keyof DecoderConfig | null {
  for (const field of Object.keys(given) as (keyof DecoderConfig)[]) {
    // Written pairs are Hugging Face's; learned positions do not turn.
    if (field === 'ropeInterleaved' || (field === 'ropeTheta' && given.positions === 'learned')) continue;
    const [read, wanted] = [back[field], given[field]];
    const isSame =
      typeof wanted === 'number' && typeof read === 'number'
        ? Math.abs(read - wanted) <= 2 ** -23 * Math.abs(wanted)
        : shown(read) === shown(wanted);
    if (!isSame) return field;
  }
  return null;
}

/** @throws ConfigError for a configuration of which the file's keys and tensors say less than all, or something else */
export function requireSaid(
  config: DecoderConfig,
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: ReadonlyMap<string, GgufTensor>,
): void {
  const cure = 'A GGUF file cannot say it: export a Hugging Face folder.';
  let back: DecoderConfig;
  try {
    back = configFromGguf({
      file: 'gguf',
      metadata: new Map(Object.entries(metadata).map(([key, { value }]) => [key, value])),
      tensors,
      ropeFactors: null,
      longRope: {
        short: tensors.get('rope_factors_short.weight')?.data ?? null,
        long: tensors.get('rope_factors_long.weight')?.data ?? null,
      },
      tieEmbeddings: config.tieEmbeddings,
    });
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new ConfigError(`${error.message} ${cure}`, error.details, { cause: error });
  }
  const field = firstUnsaid(config, back);
  if (field === null) return;
  throw new ConfigError(`gguf: ${field} must be ${shown(back[field])}, got ${shown(config[field])}. ${cure}`, {
    field,
  });
}
