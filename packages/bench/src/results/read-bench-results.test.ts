import { readFileSync } from 'node:fs';
import { DataError } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { BENCH_SCHEMA } from '../result.ts';
import { readBenchResults } from './read-bench-results.ts';

/** Files as the benchmarks before this package wrote them, cut to a few rows. */
const earlier = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../test/earlier/${name}.json`, import.meta.url), 'utf8'));

describe('readBenchResults', () => {
  it('reads earlier matrix products, a result for each state of bounds checks', () => {
    const results = readBenchResults(earlier('matmul-h100'));
    expect(results.map(({ environment }) => environment.robustness)).toEqual(['off', 'on']);
    expect(results[0]!.rows[0]).toMatchObject({ name: 'f16-4096', flops: 2 * 4096 ** 3, status: 'measured' });
    expect(results[0]!.rows[0]!.tflops! / ((2 * 4096 ** 3) / results[0]!.rows[0]!.total!.medianMs / 1e9)).toBeCloseTo(
      1,
      2,
    );
  });

  it('reads earlier MoDA rows with their extra time and the paper figures', () => {
    const [result] = readBenchResults(earlier('moda-h100'));
    const moda = result!.rows.find(({ job }) => job?.kind === 'attention' && job.problem.depth)!;
    expect(moda.extraTime).toBeGreaterThan(0);
    expect(moda.references!.map(({ label }) => label)).toContain('MoDA, the paper');
  });

  it('reads earlier tiles and processor benchmarks', () => {
    expect(readBenchResults(earlier('attention-h100')).map(({ rows }) => rows.length)).toEqual([1, 1]);
    const [cpu] = readBenchResults(earlier('cpu'));
    expect(cpu!.rows.map(({ library }) => library)).toEqual(['modajs, 1 thread', 'jax-js']);
  });

  it('reads the kernel variant of a matrix product under the name that earlier releases gave it', () => {
    const row = { id: 'x', preset: 'matmul', name: 'x', library: 'modajs', status: 'measured', total: null };
    const rows = [{ ...row, floors: {}, errors: {}, job: { kind: 'matmul', rung: 'tile' } }];
    const [result] = readBenchResults({ schema: BENCH_SCHEMA, date: '', environment: {}, ceilings: {}, rows });
    expect(result!.rows[0]!.job).toEqual({ kind: 'matmul', variant: 'tile' });
  });

  it('refuses another schema, and rows without what every row has', () => {
    expect(() => readBenchResults({ schema: 'modajs-bench/9' })).toThrow(`must be ${BENCH_SCHEMA}, got modajs-bench/9`);
    const broken = { schema: BENCH_SCHEMA, date: '', environment: {}, ceilings: {}, rows: [{ id: 'x' }] };
    expect(() => readBenchResults(broken)).toThrow('row 0 must have id');
    expect(() => readBenchResults([])).toThrow(DataError);
    expect(() => readBenchResults({ a: 1 })).toThrow('got the keys a');
  });
});
