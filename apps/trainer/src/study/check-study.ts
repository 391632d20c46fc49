import { countParameters, type DecoderConfig } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import {
  flattenIdentity,
  mergeConfigs,
  prepareModelConfig,
  type RawConfig,
  type RunConfig,
  resolveRunConfig,
  type StudyPlanRecord,
  type VariedValue,
} from '@modajs/train';
import { type PlannedRun, planRuns } from './plan-runs.ts';
import type { Study, Variant } from './study-file.ts';

/** FFN widths are matched in multiples of this: kernels read rows of that many elements at once. */
const WIDTH_MULTIPLE = 8;
/** Settings that decide which tokens a run reads in which order, and how they are scored. */
const SAME = /^(data|tokenizer|evaluation)\.|^seed$|^training\.(steps|batchSize|seqLen)$|^model\.(seqLen|vocabSize)$/;
/** Settings that a report need not mention. */
const SILENT = /^(name$|logging\.|samples\.|checkpoint\.|model\.)/;

/** A run's checked configuration. */
export interface ResolvedRun {
  readonly config: RunConfig;
  readonly model: DecoderConfig;
}

/** Settings of all runs: the preset's, and a study's own defaults. */
export function studyBase(preset: RawConfig): RawConfig {
  const own = {
    checkpoint: { every: null },
    logging: { tensorBoard: false, every: 10 },
    samples: { atEvaluations: false },
  };
  return mergeConfigs(preset, own);
}

/** Checks one run's settings. @throws ConfigError */
export function resolveRun(base: RawConfig, run: PlannedRun, vocabSize: number): ResolvedRun {
  const name = run.key.replaceAll('/', '-');
  const config = resolveRunConfig(mergeConfigs(base, run.settings, { name }), `study: ${run.key}`);
  if (config.data.heldOut === 0) {
    throw new ConfigError('study: a study compares held-out losses, got data.heldOut 0. Set it above 0.');
  }
  return { config, model: prepareModelConfig(config, vocabSize) };
}

/** The study with FFN widths that match, and what its record says. */
export interface CheckedStudy {
  readonly study: Study;
  readonly record: StudyPlanRecord;
}

/**
 * Resolves every variant before anything runs: matches parameters, and compares each with its baseline.
 *
 * @throws ConfigError for a variant whose data, tokenizer, tokens, or evaluation differ from its baseline's
 */
export function checkStudy(given: Study, base: RawConfig, vocabSize: number): CheckedStudy {
  const first = (study: Study): Map<string, PlannedRun> => {
    const { ready, waiting } = planRuns(study, new Map());
    return new Map([...waiting, ...ready].reverse().map((run) => [run.variant, run]));
  };
  const unmatched = first(given);
  const modelOf = (id: string): DecoderConfig => resolveRun(base, unmatched.get(id)!, vocabSize).model;
  const matches = new Map<string, StudyPlanRecord['variants'][number]['matched']>();
  const variants = given.variants.map((variant): Variant => {
    if (variant.matchParameters === null) return variant;
    const matched = matchWidth(modelOf(variant.id), modelOf(variant.matchParameters), variant.matchParameters);
    matches.set(variant.id, matched);
    return { ...variant, settings: mergeConfigs(variant.settings, { model: { dFf: matched.dFf } }) };
  });
  const study = { ...given, variants };
  const runs = first(study);
  const record = {
    phases: study.phases.map(({ name, vary, best, extend }) => ({
      name,
      seeds: (vary.seed ?? [1]).map(Number),
      best,
      extend: extend?.key ?? null,
    })),
    variants: variants.map(({ id, group, baseline }) => ({
      variant: id,
      group,
      baseline,
      matched: matches.get(id) ?? null,
      differences: differences(
        id,
        resolveRun(base, runs.get(id)!, vocabSize),
        resolveRun(base, runs.get(baseline)!, vocabSize),
      ),
    })),
  };
  return { study, record };
}

/** The width whose parameters come nearest to the target's. */
function matchWidth(
  model: DecoderConfig,
  target: DecoderConfig,
  variant: string,
): { variant: string; dFf: number; remainder: number } {
  const count = (dFf: number): number => countParameters({ ...model, dFf });
  const wanted = countParameters(target);
  const perWidth = (count(2 * WIDTH_MULTIPLE) - count(WIDTH_MULTIPLE)) / WIDTH_MULTIPLE;
  const exact = model.dFf + (wanted - count(model.dFf)) / perWidth;
  const dFf = Math.max(WIDTH_MULTIPLE, Math.round(exact / WIDTH_MULTIPLE) * WIDTH_MULTIPLE);
  return { variant, dFf, remainder: count(dFf) - wanted };
}

function differences(
  variant: string,
  own: ResolvedRun,
  baseline: ResolvedRun,
): Record<string, readonly [VariedValue, VariedValue]> {
  const flat = ({ config, model }: ResolvedRun) => flattenIdentity({ ...config, model });
  const [a, b] = [flat(baseline), flat(own)];
  const different = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]);
  const refused = different.filter((key) => SAME.test(key));
  if (refused.length > 0) {
    const list = refused.map((key) => `${key} ${b[key]} against ${a[key]}`).join(', ');
    throw new ConfigError(
      `study: ${variant} must read the same data as its baseline, got ${list}. Put these settings into the study's or the group's settings.`,
      { variant, keys: refused },
    );
  }
  return Object.fromEntries(
    different.filter((key) => !SILENT.test(key)).map((key) => [key, [a[key] ?? null, b[key] ?? null] as const]),
  );
}
