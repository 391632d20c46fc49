import { readFileSync } from 'node:fs';

/** Where the studies' own files lie: what is said of them is computed from these, by whoever says it. */
export const EVIDENCE_FOLDER = new URL('../../docs/evidence/', import.meta.url);

/** Two-sided 95 % points of Student's t by degrees of freedom. */
const T95 = [Number.NaN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365];

/** The finished runs of a study, and the variant that its plan compares each variant with. */
export function readStudy(name) {
  const study = JSON.parse(readFileSync(new URL(`${name}.json`, EVIDENCE_FOLDER), 'utf8'));
  return {
    runs: study.runs.filter((run) => run.status === 'finished'),
    baselines: new Map(study.plan.variants.map(({ variant, baseline }) => [variant, baseline])),
  };
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export function standardError(values) {
  const center = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1) / values.length);
}

/** Ends of the 95 % interval of a mean; null for a single value. */
export function interval95(values) {
  if (values.length < 2) return null;
  const half = T95[values.length - 1] * standardError(values);
  return [mean(values) - half, mean(values) + half];
}

/** What `pick` finds in each run of a variant less what it finds in the other variant's run of the same seed. */
export function pairedBySeed(runs, variant, against, pick) {
  const seeds = (id) => runs.filter((run) => run.variant === id);
  const baseline = seeds(against);
  const own = seeds(variant).filter(({ seed }) => baseline.some((run) => run.seed === seed));
  if (variant === against) return { differences: null, own, baseline };
  const differences = own.map((run) => pick(run) - pick(baseline.find(({ seed }) => seed === run.seed)));
  return { differences, own, baseline };
}
