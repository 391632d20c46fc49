import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StudyFile } from '@modajs/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, runCli } from './run-cli.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let out = '';
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'moda-evidence-'));
  execFileSync('tar', ['xzf', join(root, 'docs/evidence/a-mechanism-runs.tar.gz'), '-C', out]);
});
afterAll(() => rm(out, { recursive: true, force: true }));

const report = (): Promise<CliResult> =>
  runCli(['study', join(root, 'studies/a-mechanism.yaml'), '-o', out, '--report-only'], { cwd: out });

describe('the runs of docs/evidence, written with flat depth options', () => {
  it('are results of the study as it stands: it goes on from them', { timeout: 300_000 }, async () => {
    const { code, stderr } = await report();
    expect([code, stderr]).toEqual([0, '']);
    const { runs }: StudyFile = JSON.parse(await readFile(join(out, 'a-mechanism/study.json'), 'utf8'));
    const files = await readdir(join(out, 'a-mechanism'), { recursive: true });
    expect(runs.length).toBe(files.filter((file) => file.endsWith('result.json')).length);
    expect(runs.length).toBeGreaterThan(50);
    for (const { status } of runs) expect(status).toBe('finished');
  });

  it('are refused where the study now says another setting, by its name of today', { timeout: 300_000 }, async () => {
    const path = join(out, 'a-mechanism/sweep/pre.moda/optimizer.lr=0.004,seed=1/result.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"depthSlots":null', '"depthSlots":3'));
    const { code, stderr } = await report();
    expect(code).not.toBe(0);
    expect(stderr).toContain('was run with model.depth.slots 3, the file now says null');
    await writeFile(path, text);
  });
});
