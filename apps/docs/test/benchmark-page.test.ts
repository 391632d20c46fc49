import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { benchmarkPage, originOf } from '../build/benchmark-page.js';
import { REPOSITORY } from './programs.ts';

const folder = new URL('benchmarks/', REPOSITORY);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

describe('benchmark pages', () => {
  it('take every figure from the file: medians of samples, rates as they are, what all rows share above them', () => {
    const rows = [
      { name: 'a', passMs: [3, 1, 2], dtype: 'f16', at: { T: 4096 } },
      { name: 'b', passMs: [5, 4], dtype: 'f16', at: { T: 16384 } },
    ];
    const lines = benchmarkPage('x', { date: '2026-11-29T10:00:00Z', commit: 'abc', rows }).split('\n');
    expect(lines).toContain('All rows: dtype f16.');
    expect(lines).toContain('| name | passMs | at T |');
    expect(lines).toContain('| a | 2 (3) | 4,096 |');
    expect(lines).toContain('| b | 4.5 (2) | 16,384 |');
  });

  it('give rows inside rows the values of the outer row', () => {
    const workloads = [
      {
        workload: 'matmul',
        results: [
          { label: 'ours', ms: 1.23456 },
          { label: 'theirs', ms: 0 },
        ],
      },
    ];
    expect(benchmarkPage('x', { date: '2026-11-29', workloads })).toContain('| ours | 1.235 |\n| theirs | 0 |');
  });

  it.each(files)('%s has a date, an adapter or machine, and at least one table', (name) => {
    const origin = originOf(read(name));
    expect(origin.Date).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(origin.Adapter).not.toBe('not recorded');
    expect(benchmarkPage(name, read(name))).toMatch(/^\| .+ \|\n\|---\|/m);
  });
});
