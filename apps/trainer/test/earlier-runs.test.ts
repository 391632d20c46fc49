import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.ts';

const RUNS = fileURLToPath(new URL('./earlier-runs', import.meta.url));
const versions = (await readdir(RUNS)).filter((name) => !name.endsWith('.md'));

let cwd = '';
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-earlier-'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

async function rows(path: string): Promise<Record<string, number>[]> {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

describe('a run of an earlier version', () => {
  it('is here', () => expect(versions).toContain('23b0f73'));

  it.each(versions)('%s goes on to the losses that it would have had', async (version) => {
    const folder = join(cwd, version);
    await cp(join(RUNS, version), folder, { recursive: true });
    const { code, stdout, stderr } = await runCli(['train', '--resume', 'run', '-o', '.'], { cwd: folder });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('resumed after step 3 of 7');
    const [got, expected] = [
      await rows(join(folder, 'run/metrics.jsonl')),
      await rows(join(RUNS, version, 'expected.jsonl')),
    ];
    expect(got.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    for (const [i, { loss, learningRate }] of expected.entries()) {
      // Another version may add in another order: f32 rounding of a loss near 5.5.
      expect(Math.abs(got[i].loss - loss)).toBeLessThan(2e-5);
      expect(got[i].learningRate).toBe(learningRate);
    }
  });
});
