import { filterRows, type RowSource } from '../data/row-source.ts';
import { DataError, requirePositive } from '../errors/errors.ts';
import { buildDocument, promptHeader } from '../tasks/build-document.ts';
import { createPythonRandom } from '../tasks/python-random.ts';
import type { Row, TaskDocument, TaskSpec } from '../tasks/task.ts';

/** Which documents of a task are evaluated. */
export interface DocumentOptions {
  /** Examples before each prompt; the task's own number by default. */
  readonly shots?: number;
  /** First so many documents of the evaluated order. */
  readonly limit?: number;
  /** Use the task's fixed random sample, default true. */
  readonly subsample?: boolean;
}

/** The documents of a task and how many there would be. */
export interface LoadedTask {
  readonly spec: TaskSpec;
  readonly shots: number;
  readonly documents: readonly TaskDocument[];
  /** Rows of the split, before sampling and limit. */
  readonly originalCount: number;
  /** Documents the style evaluates, before the limit. */
  readonly standardCount: number;
}

/**
 * Reads a task's rows and turns them into documents.
 *
 * @throws DataError when the split is empty or a row is not what the task expects (with task, document and field).
 * @throws ConfigError when `shots` or `limit` is not usable.
 */
export async function loadDocuments(
  spec: TaskSpec,
  source: RowSource,
  options: DocumentOptions = {},
): Promise<LoadedTask> {
  const { limit, subsample = true } = options;
  requirePositive(spec.name, 'limit', limit);
  const rows = filterRows(await source.rows(spec.dataset), spec.dataset);
  if (rows.length === 0) {
    const { repository, config, split, where } = spec.dataset;
    const what = [repository, config, split, where?.equals].filter(Boolean).join(' ');
    throw new DataError(`${spec.name}: ${what} must have rows, got 0. Is it the right file and split?`, {
      task: spec.name,
    });
  }
  // Only tasks with examples default to some; MMLU takes its examples from another split.
  const shots = options.shots ?? spec.shots;
  const headerOf = promptHeaders(spec, shots, shots > 0 ? await exampleRows(spec, source) : []);
  const order = evaluatedOrder(spec, rows.length, subsample);
  const documents = order
    .slice(0, limit)
    .map((rowIndex, docId) => buildDocument(spec, rows[rowIndex], { docId, rowIndex }, headerOf(rows[rowIndex])));
  return { spec, shots, documents, originalCount: rows.length, standardCount: order.length };
}

/**
 * What stands before a row's prompt. A row is never its own example, as in lm-evaluation-harness: where the examples come
 * from the evaluated split (or repeat one of its rows), the next row takes its place.
 */
function promptHeaders(spec: TaskSpec, shots: number, examples: readonly Row[]): (row: Row) => string {
  const shared = promptHeader(spec, shots, examples);
  const keys = examples.map((row) => JSON.stringify(row));
  const shown = new Set(keys.slice(0, shots));
  return (row) => {
    const own = JSON.stringify(row);
    if (!shown.has(own)) return shared;
    const others = examples.filter((_, i) => keys[i] !== own);
    return promptHeader(spec, shots, others);
  };
}

async function exampleRows(spec: TaskSpec, source: RowSource): Promise<readonly Row[]> {
  if (spec.fewShot?.kind !== 'rows') return [];
  return filterRows(await source.rows(spec.fewShot.dataset), spec.fewShot.dataset);
}

function evaluatedOrder(spec: TaskSpec, rowCount: number, subsample: boolean): readonly number[] {
  if (subsample && spec.subsample !== undefined && rowCount > spec.subsample.count) {
    return createPythonRandom(spec.subsample.seed).sampleIndices(rowCount, spec.subsample.count);
  }
  return Array.from({ length: rowCount }, (_, i) => i);
}
