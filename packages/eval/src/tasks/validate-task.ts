import { shown } from '@modajs/tensor';
import { ConfigError } from '../errors/errors.ts';
import { HIGHER_IS_BETTER, type TaskSpec } from './task.ts';

const TEXTS = ['name', 'style', 'gold', 'primaryMetric'] as const;

/**
 * Checks a task that came from outside (a JSON file) and fills in defaults: no examples, no unconditional requests,
 * `joint` encoding, `acc` and `acc_norm`.
 *
 * @throws ConfigError naming the task and the field that is missing or of the wrong kind.
 */
export function parseTask(value: unknown): TaskSpec {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(
      `task: a task must be an object, got ${Array.isArray(value) ? 'a list' : typeof value}.`,
      'task',
    );
  }
  const given = value as Record<string, unknown>;
  const metrics = given.metrics ?? ['acc', 'acc_norm'];
  const spec = {
    style: 'custom',
    shots: 0,
    unconditioned: null,
    encoding: 'joint',
    primaryMetric: Array.isArray(metrics) ? metrics[0] : undefined,
    ...given,
    metrics,
  } as Record<string, unknown>;
  checkTask(spec);
  return spec as unknown as TaskSpec;
}

function checkTask(spec: Record<string, unknown>): void {
  const name = typeof spec.name === 'string' ? spec.name.slice(0, 80) : 'unnamed';
  const demand = (ok: boolean, field: string, what: string) => {
    if (ok) return;
    const got = spec[field] === undefined ? 'nothing' : shown(spec[field]);
    throw new ConfigError(`task ${name}: field "${field}" must be ${what}, got ${got}.`, field);
  };
  for (const field of TEXTS) demand(isText(spec[field]), field, 'a text');
  demand(Number.isInteger(spec.version) && (spec.version as number) >= 0, 'version', 'a whole number');
  demand(Number.isInteger(spec.shots) && (spec.shots as number) >= 0, 'shots', 'a whole number, 0 or more');
  demand(isTemplate(spec.prompt), 'prompt', 'a template or a list of templates');
  demand(isTemplate(spec.choices), 'choices', 'a template of a list, or a list of templates');
  demand(
    spec.unconditioned === null || isTemplate(spec.unconditioned),
    'unconditioned',
    'a template, a list of templates or null',
  );
  demand(spec.encoding === 'joint' || spec.encoding === 'separate', 'encoding', '"joint" or "separate"');
  const metrics = spec.metrics;
  const known = Array.isArray(metrics) && metrics.length > 0 && metrics.every(isMetric);
  demand(known, 'metrics', `a list out of ${Object.keys(HIGHER_IS_BETTER).join(', ')}`);
  demand((metrics as unknown[]).includes(spec.primaryMetric), 'primaryMetric', 'one of the metrics');
  const dataset = spec.dataset as Record<string, unknown> | undefined;
  demand(typeof dataset === 'object' && dataset !== null, 'dataset', 'an object with repository, split and file');
  for (const field of ['repository', 'split', 'file']) {
    demand(isText(dataset?.[field]), 'dataset', `an object with a text "${field}"`);
  }
}

function isMetric(value: unknown): boolean {
  return typeof value === 'string' && Object.hasOwn(HIGHER_IS_BETTER, value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTemplate(value: unknown): boolean {
  return isText(value) || (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string'));
}
