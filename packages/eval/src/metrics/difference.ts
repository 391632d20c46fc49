import { bootstrapValues, type Statistic, standardDeviation } from './bootstrap.ts';

/** How sure a difference `b - a` is. */
export interface DifferenceStatistics {
  /** Standard error of the difference. */
  readonly standardError: number;
  /** Middle 95 % of the bootstrap's differences (normal approximation when not paired). */
  readonly low: number;
  readonly high: number;
  /** Two-sided. */
  readonly pValue: number;
}

/**
 * Statistics of a difference over the same documents: each resample of documents gives one difference.
 *
 * @param differenceOn the difference on resampled positions out of `count`
 */
export function pairedDifference(count: number, differenceOn: Statistic): DifferenceStatistics {
  const values = bootstrapValues(count, differenceOn).sort();
  const below = values.filter((value) => value <= 0).length / values.length;
  const above = values.filter((value) => value >= 0).length / values.length;
  const at = (quantile: number) => values[Math.round(quantile * (values.length - 1))];
  return {
    standardError: standardDeviation(values),
    low: at(0.025),
    high: at(0.975),
    // A thousand resamples cannot tell p from 0, so it never is.
    pValue: Math.min(1, Math.max(2 * Math.min(below, above), 1 / values.length)),
  };
}

/** Statistics of a difference of two independent values with standard errors, by the normal approximation. */
export function unpairedDifference(difference: number, errorA: number, errorB: number): DifferenceStatistics {
  const standardError = Math.hypot(errorA, errorB);
  const z = difference === 0 ? 0 : Math.abs(difference) / standardError;
  return {
    standardError,
    low: difference - 1.96 * standardError,
    high: difference + 1.96 * standardError,
    pValue: 2 * (1 - normalCdf(z)),
  };
}

/** Standard normal distribution function. Reference: Abramowitz and Stegun 26.2.17, error below 7.5e-8. */
function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (tail * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}
