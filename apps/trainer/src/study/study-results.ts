import { countFlops, countParameters } from '@modajs/models';
import { DataError } from '@modajs/tensor';
import { completeIdentity, flattenIdentity, type StudyRun, sequenceLength } from '@modajs/train';
import { FolderStorage } from '@modajs/train/node';
import { VERSIONS } from '../run/versions.ts';
import type { ResolvedRun } from './check-study.ts';
import type { PlannedRun } from './plan-runs.ts';

const RESULT_FILE = 'result.json';

/** A result of which nothing is known but how the run ended: what a failed one keeps, and others start from. */
export function unmeasured(
  { key, phase, variant, values, seed }: PlannedRun,
  { config, model }: ResolvedRun,
  { status, error, startedAt }: Pick<StudyRun, 'status' | 'error'> & { readonly startedAt: number },
): StudyRun {
  const total = (performance.now() - startedAt) / 1000;
  const T = sequenceLength(config, model);
  return {
    key,
    phase,
    variant,
    values,
    seed,
    status,
    error,
    config,
    model,
    inputs: null,
    parameters: countParameters(model),
    flopsPerToken: countFlops(model, T).total / T,
    steps: 0,
    loss: null,
    heldOut: null,
    curve: [],
    heldOutCurve: [],
    measures: {},
    depth: null,
    tokensPerSecond: null,
    deviceBytes: null,
    seconds: { training: total, evaluation: 0, total },
    device: '',
    writtenBy: VERSIONS,
  };
}

/** Keeps a run's result, whole or not at all. */
export async function writeResult(storage: FolderStorage, result: StudyRun): Promise<void> {
  await storage.write(RESULT_FILE, `${JSON.stringify(result)}\n`);
}

/** The result of a run that has ended; null when it has not. @throws DataError for a file that is not a result */
export async function readResult(folder: string): Promise<StudyRun | null> {
  const storage = new FolderStorage(folder);
  if (!(await storage.exists(RESULT_FILE))) return null;
  try {
    return JSON.parse(new TextDecoder().decode(await storage.read(RESULT_FILE))) as StudyRun;
  } catch {
    throw new DataError(`study: ${folder}/${RESULT_FILE} must be JSON, it is not. Delete the folder to run it again.`);
  }
}

/** Settings that change no result. */
const FREE = /^(name|device|threads)$|^(logging|samples|checkpoint)\.|\.path$|^data\.sources$/;

/**
 * The first setting that a result was made with and a run would not be: `[key, result's, run's]`; null when all are equal. A
 * result of an earlier version is completed with what that version did without the settings it did not have.
 */
export function settingsDifference(
  result: StudyRun,
  { config, model }: ResolvedRun,
): readonly [string, unknown, unknown] | null {
  const now = flattenIdentity({ ...config, model });
  const before = completeIdentity(flattenIdentity({ ...result.config, model: result.model }), now);
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  const key = [...keys].find((one) => !FREE.test(one) && before[one] !== now[one]);
  return key === undefined ? null : [key, before[key], now[key]];
}

/** @throws DataError when the study's file now says other settings than a result was made with */
export function requireSameSettings(result: StudyRun, run: ResolvedRun): void {
  const difference = settingsDifference(result, run);
  if (difference === null) return;
  const [key, before, now] = difference;
  throw new DataError(
    `study: ${result.key} was run with ${key} ${before}, the file now says ${now}. ` +
      'Give the study another name, or delete the folder of the run.',
    { key, before, now },
  );
}
