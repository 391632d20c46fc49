import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI, runCli, SMALL_CONFIG, SMALL_TEXT } from './run-cli.ts';

let cwd = '';
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-exit-'));
  await writeFile(join(cwd, 'small.yaml'), SMALL_CONFIG);
  await writeFile(join(cwd, 'text.txt'), SMALL_TEXT);
  await writeFile(join(cwd, 'self.yaml'), 'model: &m { a: *m }');
  await writeFile(join(cwd, 'null.json'), '{"results": null}');
  await writeFile(join(cwd, 'afile'), 'x');
  await mkdir(join(cwd, 'folder'));
  await mkdir(join(cwd, 'runs/nothing'), { recursive: true });
  await writeFile(join(cwd, 'runs/nothing/config.json'), 'null');
  await mkdir(join(cwd, 'runs/dir/config.json'), { recursive: true });
  const { code, stderr } = await runCli(['train', '-c', 'small.yaml', '-n', 'done', '--steps', '8'], { cwd });
  expect([code, stderr]).toEqual([0, '']);
}, 120_000);
afterAll(() => rm(cwd, { recursive: true, force: true }));

const train = (...args: string[]) => ['train', '-c', 'small.yaml', ...args];

describe('exit code 2 and one line', () => {
  it.each<[string[], string]>([
    [train('-s', 'model.toString=1'), "got 'toString'"],
    [train('-s', '__proto__.x=1'), 'unknown key "__proto__"'],
    [train('-s', 'model.preset=null'), 'model.preset must be the name of a model, got null'],
    [train('-c', 'self.yaml'), 'a value must not hold itself'],
    [train('-c', 'folder'), 'folder must be a readable YAML file, got EISDIR'],
    [train('-s', 'tokenizer.path=folder'), 'folder must be a readable tokenizer.json, got EISDIR'],
    [train('-o', 'afile'), 'got ENOTDIR'],
    [train('-n', '..'), 'the name must be that of a folder below runs, got ".."'],
    [train('-n', 'x/../plain'), 'the name must be that of a folder below runs'],
    [train('-n', '/tmp/x'), 'the name must be that of a folder below runs'],
    [train('-n', ''), 'name must be text, got ""'],
    [train('-n', 'done/inner'), 'done/inner must not lie within a run'],
    [train('--resume', 'nothing'), 'must hold the settings "run" and "model"'],
    [train('--resume', 'dir'), 'must be readable, got EISDIR'],
    [train('--resume', 'done', '--steps', '30'), 'the learning rate of step 9 is'],
    [['eval', 'compare', 'null.json', 'null.json'], 'a must be a results file with "results", got none'],
    [['eval', 'compare', 'folder', 'null.json'], 'got EISDIR'],
    [['generate', 'nothing', '-p', 'x', '-d', 'cpu'], 'must hold the settings "run" and "model"'],
    [['info', 'dir'], 'must be readable, got EISDIR'],
  ])('%j', async (args, message) => {
    const { code, stderr } = await runCli(args, { cwd });
    expect([code, stderr.trim().split('\n')]).toEqual([2, [expect.stringContaining(message)]]);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it.each([
    ['--top-p', '1.5'],
    ['--temperature', 'Infinity'],
    ['--top-k', '2.5'],
    ['--max-new-tokens', 'NaN'],
  ])('generate %s %s', async (...option) => {
    const { code, stderr } = await runCli(['generate', 'done', '-p', 'x', ...option], { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/(must be|It must be) a (whole )?number/);
  });
});

describe('runs', () => {
  it('text settings are text: names and numbers of runs', async () => {
    for (const name of ['12e4567', '1.10', '007']) {
      const { code, stdout } = await runCli(train('-s', `name=${name}`, '--steps', '1'), { cwd });
      expect([code, stdout]).toEqual([0, expect.stringContaining(`run        runs/${name} as ${name}`)]);
    }
    for (const folder of ['a/b', 'a/b-2']) {
      const { stdout } = await runCli(train('-n', 'a/b', '--steps', '1'), { cwd });
      expect(stdout).toContain(`run        runs/${folder} as`);
    }
  });

  it('one process trains a run; another is told which', async () => {
    let second: ReturnType<typeof runCli> | undefined;
    const first = await runCli(train('-n', 'owned', '--steps', '400'), {
      cwd,
      onOutput: (child, output) => {
        if (second || !output.includes('step   4/400')) return;
        second = runCli(['train', '--resume', 'owned'], { cwd }).then((result) => {
          child.kill('SIGINT');
          return result;
        });
      },
    });
    const { code, stderr } = await second!;
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(
        /runs\/owned must not be in use, it is held by process \d+ \(moda train -c small.yaml -n owned/,
      ),
    ]);
    expect([first.code, first.stdout]).toEqual([0, expect.stringContaining('saved')]);
    expect(await readdir(join(cwd, 'runs/owned'))).not.toContain('run.lock');
  });

  it('a damaged only checkpoint ends --resume and changes nothing', async () => {
    const run = join(cwd, 'runs/bad');
    await runCli(train('-n', 'bad', '--steps', '3'), { cwd });
    const before = await readFile(join(run, 'metrics.jsonl'), 'utf8');
    await writeFile(join(run, 'checkpoints/step-00000003/model.safetensors'), 'x');
    const { code, stderr } = await runCli(['train', '--resume', 'bad'], { cwd });
    expect([code, stderr]).toEqual([2, expect.stringContaining('must hold a whole checkpoint, got 1 damaged')]);
    expect(await readFile(join(run, 'metrics.jsonl'), 'utf8')).toBe(before);
    await rm(join(run, 'checkpoints'), { recursive: true });
    const fresh = await runCli(['train', '--resume', 'bad'], { cwd });
    expect([fresh.code, fresh.stdout]).toEqual([0, expect.stringContaining('bad has no checkpoint yet')]);
  });

  it('goes on when nobody reads its output', async () => {
    const child = spawn(process.execPath, [CLI, ...train('-n', 'unread', '--steps', '12')], { cwd });
    child.stdout.once('data', () => child.stdout.destroy());
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, stderr]).toEqual([0, '']);
    const rows = (await readFile(join(cwd, 'runs/unread/metrics.jsonl'), 'utf8')).trim().split('\n');
    expect(rows).toHaveLength(12);
  });

  it('a dry run prints estimates first, and refuses what does not fit with figures', async () => {
    const big = ['-s', 'model.dModel=16384', '-s', 'model.nLayers=40', '-s', 'model.dFf=60000'];
    const { code, stdout, stderr } = await runCli(train('-n', 'big', '--dry-run', ...big), { cwd });
    expect(stdout).toMatch(/memory: total +[\d.]+ [GT]iB/);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/needs about [\d.]+ [GT]iB, the device cpu .* has [\d.]+ GiB/),
    ]);
  });
});
