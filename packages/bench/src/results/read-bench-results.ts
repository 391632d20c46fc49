import { DataError } from '@modajs/tensor';
import { BENCH_SCHEMA, type BenchResult } from '../result.ts';
import { attentionResults, isAttentionFile } from './earlier-attention.ts';
import { cpuResults, isCpuFile } from './earlier-cpu.ts';
import { isMatmulFile, matmulResults } from './earlier-matmul.ts';

/**
 * The results in a benchmark file: one of this schema, or those of a file that the benchmarks before `@modajs/bench` wrote
 * (`matmul-h100.json`, `attention-h100.json`, `moda-h100.json`, `cpu.json`), which may hold several runs.
 *
 * @param value parsed JSON
 * @throws DataError for anything else, with what is missing
 */
export function readBenchResults(value: unknown): readonly BenchResult[] {
  if (!isRecord(value))
    throw new DataError(`bench: a benchmark file must hold an object, got ${typeof value}. Check the file.`);
  if (value['schema'] === BENCH_SCHEMA) return [validated(value)];
  if (typeof value['schema'] === 'string') {
    throw new DataError(`bench: the schema must be ${BENCH_SCHEMA}, got ${value['schema']}. Update this program.`, {
      schema: value['schema'],
    });
  }
  if (isMatmulFile(value)) return matmulResults(value);
  if (isAttentionFile(value)) return attentionResults(value);
  if (isCpuFile(value)) return cpuResults(value);
  throw new DataError(
    `bench: a benchmark file must have a schema or be an earlier one, got the keys ${Object.keys(value).join(', ')}. Write it with moda bench --json.`,
  );
}

function validated(value: Record<string, unknown>): BenchResult {
  for (const key of ['environment', 'ceilings']) {
    if (!isRecord(value[key]))
      throw new DataError(`bench: ${key} must be an object, got ${typeof value[key]}.`, { key });
  }
  const { rows, date } = value;
  if (typeof date !== 'string') throw new DataError(`bench: date must be a string, got ${typeof date}.`);
  if (!Array.isArray(rows)) throw new DataError(`bench: rows must be a list, got ${typeof rows}.`);
  for (const [index, row] of (rows as unknown[]).entries()) {
    const isRow =
      isRecord(row) &&
      ['id', 'preset', 'name', 'library'].every((key) => typeof row[key] === 'string') &&
      ['measured', 'skipped', 'failed'].includes(row['status'] as string) &&
      (row['total'] === null || isRecord(row['total'])) &&
      isRecord(row['floors']) &&
      isRecord(row['errors']);
    if (!isRow)
      throw new DataError(
        `bench: row ${index} must have id, preset, name, library, status, total, floors and errors.`,
        { index },
      );
  }
  return { ...value, rows: (rows as Record<string, unknown>[]).map(withVariant) } as unknown as BenchResult;
}

/** Results of earlier releases have the variant of a matrix product as `rung`. */
function withVariant(row: Record<string, unknown>): Record<string, unknown> {
  const { job } = row;
  if (!isRecord(job) || job['rung'] === undefined) return row;
  const { rung: variant, ...rest } = job;
  return { ...row, job: { ...rest, variant } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
