import type { DecoderConfig } from '@modajs/models';
import { flattenIdentity, type RunIdentity } from '../checkpoint/run-identity.ts';
import { sha256 } from '../checkpoint/sha256.ts';
import type { RunConfig } from '../config/run-config.ts';

/**
 * What must be the same for a resumed run to continue the same computation: seed, model, tokenizer, data, optimiser,
 * schedule. The number of steps may grow, ranks may come and go; evaluation, samples, checkpoints and logging may change.
 */
export async function runIdentityOf(
  config: RunConfig,
  model: DecoderConfig,
  tokenizerJson: string,
): Promise<RunIdentity> {
  const { seed, data, training, optimizer, schedule, lossScale } = config;
  const { steps: _, activationCheckpointing: __, shardOptimizer: ___, ...trainingIdentity } = training;
  const { onInvalid: ____, heldOutBy, mixture, ...dataIdentity } = data;
  return flattenIdentity({
    seed,
    model,
    tokenizer: { sha256: await sha256(new TextEncoder().encode(tokenizerJson)) },
    // Runs of releases without these settings held out ends and mixed equally: their checkpoints do not name them.
    data: {
      ...dataIdentity,
      ...(heldOutBy === 'end' ? {} : { heldOutBy }),
      ...(mixture === 'equal' ? {} : { mixture }),
    },
    training: trainingIdentity,
    optimizer,
    schedule,
    lossScale,
  });
}
