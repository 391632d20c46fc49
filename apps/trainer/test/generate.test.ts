import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, smallFolder } from './run-cli.ts';

let cwd = '';
beforeAll(async () => {
  cwd = await smallFolder('moda-generate-');
  const { code } = await runCli(['train', '-c', 'small.yaml', '-s', 'training.emaDecay=0.9'], { cwd });
  expect(code).toBe(0);
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const generate = (...args: string[]) => runCli(['generate', 'small', '--device', 'cpu', ...args], { cwd });

describe('moda generate [cpu]', () => {
  it('continues a prompt, the same way for the same seed', async () => {
    const args = ['-p', 'The whale', '--max-new-tokens', '20', '--temperature', '1', '--top-k', '20'];
    const first = await generate(...args, '--seed', '5');
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout.startsWith('The whale')).toBe(true);
    expect(first.stdout.length).toBeGreaterThan(12);
    expect((await generate(...args, '--seed', '5')).stdout).toBe(first.stdout);
    expect((await generate(...args, '--seed', '6')).stdout).not.toBe(first.stdout);
  });

  it('takes an earlier checkpoint, the average, and stops at a text', async () => {
    const args = ['-p', 'The', '--max-new-tokens', '10', '--temperature', '2', '--seed', '3'];
    const twice = await generate(...args, '--step', '21', '--samples', '2');
    expect([twice.code, twice.stdout]).toEqual([0, expect.stringMatching(/^--- 1 of 2\nThe.*\n\n--- 2 of 2\nThe/s)]);
    expect((await generate(...args, '--average')).code).toBe(0);
    // Steps 21, 28 and 30 are kept, and 30 was evaluated. With a lower held-out loss at 21, `best` is that one.
    const { stdout } = await generate(...args);
    const metrics = join(cwd, 'runs/small/metrics.jsonl');
    const rows = await readFile(metrics, 'utf8');
    await writeFile(metrics, rows.replace('{"step":21,', '{"step":21,"heldOutLoss":0.1,'));
    const best = await generate(...args, '--step', 'best');
    expect(twice.stdout.startsWith(`--- 1 of 2\n${best.stdout}`)).toBe(true);
    expect(best.stdout).not.toBe(stdout);
    const stop = stdout.slice(4, 7);
    expect((await generate(...args, '--stop', stop)).stdout).not.toContain(stop);
  });

  it('refuses bad options and a truncated weights file with one line', async () => {
    const refused = async (message: string, ...args: string[]) => {
      const { code, stderr } = await generate('-p', 'x', ...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    };
    await refused('temperature must be', '--temperature', '-1');
    await refused('It must be a number', '--top-p', 'x');
    await refused('checkpoints/step-00000999/state.json must be readable', '--step', '999');
    await truncate(join(cwd, 'runs/small/checkpoints/step-00000021/model.safetensors'), 500);
    await refused('model.safetensors must hold', '--step', '21');
  });
});
