import { ConfigError } from '@modajs/tensor';
import { checkOptions, notNegative, type OptionChecks, whole } from '@modajs/tensor/checks';
import type { MetricsRow } from '../metrics/metrics-log.ts';

export interface EarlyStopOptions {
  /** Evaluations in a row without improvement that end the run. */
  readonly patience: number;
  /** An improvement is more than this; 0 by default. */
  readonly minDelta?: number;
  /** A number of the metrics that should fall; `heldOutLoss` by default. */
  readonly metric?: string;
}

const OPTIONS: OptionChecks<EarlyStopOptions> = {
  patience: whole(1),
  minDelta: notNegative,
  metric: (operation, name, value) => {
    if (typeof value !== 'string')
      throw new ConfigError(`${operation}: ${name} must be the name of a metric, got ${value}.`);
  },
};

/**
 * For `trainModel({ onEvaluation: earlyStop({ patience: 3 }) })`: says `'stop'` when evaluations no longer improve.
 *
 * @throws ConfigError for wrong options; when called, for a metric that the evaluation does not have
 */
export function earlyStop(options: EarlyStopOptions): (row: MetricsRow) => 'stop' | undefined {
  checkOptions('earlyStop', options, OPTIONS, ['patience']);
  const { patience, minDelta = 0, metric = 'heldOutLoss' } = options;
  let best = Infinity;
  let waited = 0;
  return (row) => {
    const value = row[metric];
    if (typeof value !== 'number') {
      throw new ConfigError(
        `earlyStop: metric must be a number of every evaluation, got ${metric}, which step ${row.step} does not have. Hold text out (data.heldOut), or name another.`,
        { metric },
      );
    }
    waited = value < best - minDelta ? 0 : waited + 1;
    best = Math.min(best, value);
    return waited >= patience ? 'stop' : undefined;
  };
}
