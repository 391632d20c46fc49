import type { DecoderConfig } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import type { RunConfig } from '../config/run-config.ts';

/**
 * T of a run: `training.seqLen`, or the model's where that is null.
 *
 * @throws ConfigError for more than learned positions reach
 */
export function sequenceLength(
  { training: { seqLen } }: Pick<RunConfig, 'training'>,
  model: Pick<DecoderConfig, 'seqLen' | 'positions'>,
): number {
  if (seqLen === null) return model.seqLen;
  if (model.positions !== 'learned' || seqLen <= model.seqLen) return seqLen;
  throw new ConfigError(
    `config: training.seqLen must be at most the model's ${model.seqLen} learned positions, got ${seqLen}. Lower it.`,
    { seqLen, modelSeqLen: model.seqLen },
  );
}
