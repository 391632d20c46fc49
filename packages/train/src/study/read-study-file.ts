import { DataError, shown } from '@modajs/tensor';
import type { StudyFile } from './study-run.ts';

type Check = (value: unknown) => boolean;
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text: Check = (value) => typeof value === 'string';
const number: Check = (value) => Number.isFinite(value);
const scalar: Check = (value) => value === null || text(value) || number(value) || typeof value === 'boolean';
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check, length?: number): Check =>
  (value) =>
    Array.isArray(value) && value.every(check) && (length ?? value.length) === value.length;
const recordOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check);
const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([key, check]) => check(value[key]));

const phase = shape({ name: text, seeds: listOf(number), best: recordOf(text), extend: orNull(text) });
const variant = shape({
  variant: text,
  group: text,
  baseline: text,
  differences: recordOf(listOf(scalar, 2)),
  matched: orNull(shape({ variant: text, dFf: number, remainder: number })),
});
const losses = { loss: number, bitsPerByte: number };
const curve = listOf(listOf(number, 2));
const run = shape({
  key: text,
  phase: text,
  variant: text,
  values: recordOf(scalar),
  seed: number,
  status: (value) => value === 'finished' || value === 'diverged' || value === 'failed',
  error: orNull(text),
  config: isObject,
  model: isObject,
  inputs: orNull(shape({ dataOrder: text, heldOut: text, tokenizer: text, tokens: number, tokensPerStep: number })),
  parameters: number,
  flopsPerToken: number,
  steps: number,
  loss: orNull(number),
  heldOut: orNull(shape({ ...losses, corpora: recordOf(shape(losses)) })),
  curve,
  heldOutCurve: curve,
  measures: recordOf(number),
  depth: orNull(shape({ depthMass: listOf(number), depthEntropy: listOf(number), sinkMass: listOf(number) })),
  tokensPerSecond: orNull(number),
  deviceBytes: orNull(number),
  seconds: shape({ training: number, evaluation: number, total: number }),
  device: text,
  writtenBy: recordOf(text),
});

/** Whether a file's contents say that they are a study's. */
export function isStudyFile(json: unknown): boolean {
  return isObject(json) && json['format'] === 'moda-study';
}

/**
 * The contents of a `study.json` that came from elsewhere: everything that tables and charts read is checked.
 *
 * @param path told in errors
 * @throws DataError for another format or version, and for a run that is not whole
 */
export function readStudyFile(path: string, json: unknown): StudyFile {
  const refuse = (what: string): never => {
    throw new DataError(`${path}: ${what}. Add the study.json that this version of moda study wrote.`, { path });
  };
  if (!isObject(json) || json['format'] !== 'moda-study') return refuse('the file must be of format "moda-study"');
  const { version, name, plan, runs, source } = json;
  if (version !== 1) return refuse(`the study must be of version 1, got ${shown(version)}`);
  if (!text(name) || !text(source)) return refuse('the study must have a name and its source');
  if (!shape({ phases: listOf(phase), variants: listOf(variant) })(plan)) {
    return refuse('"plan" must have phases and variants');
  }
  if (!Array.isArray(runs)) return refuse('"runs" must be a list');
  const broken = runs.findIndex((one) => !run(one));
  if (broken >= 0) return refuse(`run ${broken} of "runs" lacks what tables need, or has it in another form`);
  return json as unknown as StudyFile;
}
