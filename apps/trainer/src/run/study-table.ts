import type { SourceLosses } from '@modajs/train';
import { table } from '../terminal/table.ts';

/** What one run of a study came to. */
export interface StudyResult {
  readonly variant: string;
  readonly seed: number;
  readonly parameters: number;
  readonly heldOutLoss: number;
  readonly heldOutBitsPerByte: number;
  /** The same by source, when there are several; absent from results of earlier releases. */
  readonly heldOutBySource?: SourceLosses;
}

/** Mean and standard error of the mean; the error of one value is null. */
export function meanAndError(values: readonly number[]): { mean: number; error: number | null } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, error: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, error: Math.sqrt(variance / values.length) };
}

function shown(values: readonly number[]): string {
  const { mean, error } = meanAndError(values);
  return error === null ? mean.toFixed(4) : `${mean.toFixed(4)} +- ${error.toFixed(4)}`;
}

/**
 * Means and standard errors of each variant over its seeds, and the difference in loss from the first variant. Runs of one
 * seed share data order, so differences are taken seed by seed: their error is smaller than that of the means.
 */
export function studyTable(results: readonly StudyResult[]): string {
  const variants = [...new Set(results.map(({ variant }) => variant))];
  const of = (variant: string): StudyResult[] => results.filter((result) => result.variant === variant);
  const baseline = new Map(of(variants[0]).map(({ seed, heldOutLoss }) => [seed, heldOutLoss]));
  const rows = variants.map((variant, i) => {
    const runs = of(variant);
    const paired = runs.flatMap(({ seed, heldOutLoss }) =>
      baseline.has(seed) ? [heldOutLoss - baseline.get(seed)!] : [],
    );
    return [
      variant,
      runs[0].parameters.toLocaleString('en'),
      String(runs.length),
      shown(runs.map((run) => run.heldOutLoss)),
      shown(runs.map((run) => run.heldOutBitsPerByte)),
      i === 0 || paired.length === 0 ? '' : shown(paired),
    ];
  });
  const difference = `loss minus ${variants[0]}`;
  return table(['variant', 'parameters', 'seeds', 'held-out loss', 'bits per byte', difference], rows);
}
