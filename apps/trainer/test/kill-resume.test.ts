import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricsOf, runCli, smallFolder } from './run-cli.ts';

/** The long form of this test (20 kills) runs with MODA_KILLS=20. */
const KILLS = Number(process.env['MODA_KILLS'] ?? 4);
const SETTINGS = ['-s', 'training.steps=200', '-s', 'checkpoint.every=5', '-s', 'evaluation.every=50'];

let cwd = '';
beforeAll(async () => {
  cwd = await smallFolder('moda-kill-');
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

async function losses(run: string): Promise<unknown[]> {
  return (await metricsOf(cwd, run)).map(({ step, loss, heldOutLoss }) => [step, loss, heldOutLoss]);
}

/** Whether a checkpoint is being written at this moment. */
async function isSaving(run: string): Promise<boolean> {
  const names = await readdir(join(cwd, 'runs', run, 'checkpoints')).catch((): string[] => []);
  return names.some((name) => name.startsWith('.writing-'));
}

/** The last step that plain output shows. */
function lastStep(output: string): number {
  return Number(/step +(\d+)\//.exec(output.slice(output.lastIndexOf('step ')))?.[1] ?? 0);
}

/** Kills the run a few milliseconds after a step; for `duringSave`, at the next save that is seen. */
async function trainAndKill(
  args: readonly string[],
  step: number,
  delayMs: number,
  duringSave: boolean,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  let output = '';
  const { signal } = await runCli(['train', ...args], {
    cwd,
    onOutput: (child, text) => {
      output = text;
      if (timer || lastStep(output) < step) return;
      const poll = async (): Promise<void> => {
        const waits = duringSave && lastStep(output) < step + 20 && !(await isSaving('killed'));
        if (waits && child.exitCode === null) timer = setTimeout(poll, 1);
        else child.kill('SIGKILL');
      };
      timer = setTimeout(poll, delayMs);
    },
  });
  clearTimeout(timer);
  return signal === 'SIGKILL';
}

describe('kill -9 [cpu]', () => {
  it(`at ${KILLS} moments, some during a save: the resumed losses equal the uninterrupted ones bit for bit`, async () => {
    const whole = await runCli(['train', '-c', 'small.yaml', '-n', 'whole', ...SETTINGS], { cwd });
    expect(whole.code).toBe(0);
    let kills = 0;
    for (let i = 0; i < KILLS; i++) {
      const started = (await readdir(join(cwd, 'runs')).catch((): string[] => [])).includes('killed');
      const args = started ? ['--resume', 'killed'] : ['-c', 'small.yaml', '-n', 'killed', ...SETTINGS];
      // Moments spread over the first half of the run, at any point of a step; the other half is for a signal that is slow.
      const step = Math.floor(((i + 1) * 100) / KILLS);
      if (await trainAndKill(args, step, (i * 7919) % 23, i % 4 === 1)) kills++;
    }
    expect(kills).toBe(KILLS);
    const { code } = await runCli(['train', '--resume', 'killed'], { cwd });
    expect(code).toBe(0);
    expect(await losses('killed')).toEqual(await losses('whole'));
    const folders = await readdir(join(cwd, 'runs/killed/checkpoints'));
    expect(folders.filter((name) => name.startsWith('.'))).toEqual([]);
  }, 600_000);
});
