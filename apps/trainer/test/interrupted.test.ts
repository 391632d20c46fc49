import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, runCli, SMALL_CONFIG, SMALL_TEXT } from './run-cli.ts';

const ROWS = Array.from({ length: 400 }, (_, i) => ({
  id: `made-up-${i}`,
  question: `Which whale is number ${i}?`,
  choices: { text: ['the white one', 'old', 'sick', 'none of them'], label: ['A', 'B', 'C', 'D'] },
  answerKey: 'ABCD'[i % 4],
}));
const EVAL = 'eval --model done --tasks arc_easy --style olmo-in-loop --data . --device cpu --threads 1'.split(' ');

let cwd = '';
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-interrupted-'));
  await writeFile(join(cwd, 'text.txt'), SMALL_TEXT);
  await writeFile(join(cwd, 'small.yaml'), SMALL_CONFIG);
  await writeFile(join(cwd, 'arc-easy-validation.jsonl'), ROWS.map((row) => JSON.stringify(row)).join('\n'));
  const { code } = await runCli(['train', '-c', 'small.yaml', '-n', 'done', '--steps', '2'], { cwd });
  expect(code).toBe(0);
}, 120_000);
afterAll(() => rm(cwd, { recursive: true, force: true }));

/** Runs a command and sends Ctrl-C each time that its output has another of the texts, in their order. */
function interrupted(args: readonly string[], ...texts: readonly string[]): Promise<CliResult> {
  let sent = 0;
  return runCli(args, {
    cwd,
    onOutput: (child, output) => {
      if (sent === texts.length || !output.includes(texts[sent])) return;
      sent++;
      child.kill('SIGINT');
    },
  });
}

describe('exit code 130', () => {
  it('Ctrl-C before moda eval has results; the same command goes on', async () => {
    const { code, stdout, stderr } = await interrupted([...EVAL, '--batch-tokens', '64'], 'requests');
    expect([code, stdout]).toEqual([130, '']);
    expect(stderr).toContain('stopping; run the same command again to continue');
    await expect(readFile(join(cwd, 'results.json'))).rejects.toThrow('ENOENT');
    const again = await runCli(EVAL, { cwd });
    expect([again.code, again.stderr]).toEqual([0, expect.stringMatching(/arc_easy: [1-9]\d* of \d+ requests/)]);
  }, 120_000);

  it('a second Ctrl-C quits at once; the run resumes', async () => {
    const args = ['train', '-c', 'small.yaml', '-n', 'twice', '--steps', '100000'];
    const { code, stdout } = await interrupted(args, 'step ', 'Ctrl-C again quits at once');
    expect([code, stdout]).toEqual([130, expect.not.stringContaining('saved')]);
    const again = await interrupted(['train', '--resume', 'twice'], 'step ');
    expect([again.code, again.stderr]).toEqual([0, '']);
  }, 120_000);

  it('the first Ctrl-C saves and ends with 0', async () => {
    const args = ['train', '-c', 'small.yaml', '-n', 'once', '--steps', '100000'];
    const { code, stdout } = await interrupted(args, 'step ');
    expect([code, stdout]).toEqual([0, expect.stringContaining('saved')]);
  }, 120_000);
});
