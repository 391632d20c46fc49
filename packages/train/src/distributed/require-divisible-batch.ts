import { ConfigError } from '@modajs/tensor';
import type { RunConfig } from '../config/run-config.ts';

/** @throws ConfigError when ranks and accumulation parts cannot share the batch equally */
export function requireDivisibleBatch({ training }: Pick<RunConfig, 'training'>, ranks: number): void {
  const { batchSize, gradientAccumulation } = training;
  if (batchSize % (ranks * gradientAccumulation) === 0) return;
  throw new ConfigError(
    `config: training.batchSize must be a multiple of ranks x training.gradientAccumulation, got ${batchSize} with ` +
      `${ranks} x ${gradientAccumulation}. Change one of them.`,
    { batchSize, ranks, gradientAccumulation },
  );
}
