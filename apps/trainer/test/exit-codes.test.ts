import { spawn } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI, type CliResult, runCli, runProcess, SMALL_CONFIG, smallFolder } from './run-cli.ts';
import { runHere } from './run-here.ts';

let cwd = '';
beforeAll(async () => {
  cwd = await smallFolder('moda-exit-');
  await writeFile(join(cwd, 'self.yaml'), 'model: &m { a: *m }');
  await writeFile(join(cwd, 'null.json'), '{"results": null}');
  await writeFile(join(cwd, 'afile'), 'x');
  await mkdir(join(cwd, 'folder'));
  const study = `name: s\nsettings:${SMALL_CONFIG.replaceAll('\n', '\n  ')}\nseeds: [1]\nvariants: { residual: {} }\n`;
  await writeFile(join(cwd, 'study.yaml'), study.replace('name: small', ''));
  await mkdir(join(cwd, 'runs/nothing'), { recursive: true });
  await writeFile(join(cwd, 'runs/nothing/config.json'), 'null');
  await mkdir(join(cwd, 'runs/dir/config.json'), { recursive: true });
  const { code, stderr } = await runCli(['train', '-c', 'small.yaml', '-n', 'done', '--steps', '8'], { cwd });
  expect([code, stderr]).toEqual([0, '']);
}, 120_000);
afterAll(() => rm(cwd, { recursive: true, force: true }));

const train = (...args: string[]) => ['train', '-c', 'small.yaml', ...args];

it('moda --version prints the version of its package', async () => {
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  const { code, stdout } = await runCli(['--version'], { cwd });
  expect([code, stdout.trim()]).toEqual([0, version]);
});

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
    [train('--threads', '100'), 'threads must be whole and in 1..64, got 100'],
    [train('--resume', 'done', '--threads', '100'), 'threads must be whole and in 1..64, got 100'],
    [['generate', 'done', '-p', 'x', '-d', 'cpu', '--threads', '100'], 'threads must be whole and in 1..64, got 100'],
    [['doctor', '--no-adapters', '-d', 'cpu', '--threads', '100'], 'threads must be whole and in 1..64, got 100'],
    [['doctor', '--no-adapters', '-d', 'cpu', '--threads', 'x'], 'threads must be whole and in 1..64, got NaN'],
  ])('%j', async (args, message) => {
    const { code, stderr } = await runHere(args, { cwd });
    expect([code, stderr.trim().split('\n')]).toEqual([2, [expect.stringContaining(message)]]);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it.each([
    ['--top-p', '1.5'],
    ['--temperature', 'Infinity'],
    ['--top-k', '2.5'],
    ['--max-new-tokens', 'NaN'],
  ])('generate %s %s', async (...option) => {
    const { code, stderr } = await runHere(['generate', 'done', '-p', 'x', ...option], { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/(must be|It must be) a (whole )?number/);
  });
});

/**
 * Runs `moda` with the file system's permissions in force: root, whom they do not bind, gives up the capability to pass them by.
 */
function runBound(args: readonly string[]): Promise<CliResult> {
  const command = [process.execPath, CLI, ...args];
  if (process.getuid?.() === 0) {
    command.unshift('setpriv', '--bounding-set', '-dac_override', '--inh-caps', '-dac_override');
  }
  return runProcess(command[0], command.slice(1), { cwd });
}

describe('a folder that may not be written to', () => {
  beforeAll(async () => {
    await mkdir(join(cwd, 'locked/empty'), { recursive: true });
    await cp(join(cwd, 'runs/done'), join(cwd, 'locked/done'), { recursive: true });
    for (const folder of ['locked/empty', 'locked/done', 'locked']) await chmod(join(cwd, folder), 0o555);
  });
  afterAll(async () => {
    for (const folder of ['locked', 'locked/empty', 'locked/done']) await chmod(join(cwd, folder), 0o755);
  });

  it.each<[string[], string]>([
    [train('-o', 'locked'), 'locked'],
    [train('-o', 'locked/empty'), 'locked/empty'],
    [['train', '--resume', 'locked/done'], 'locked/done'],
    [['study', 'study.yaml', '-o', 'locked'], 'locked'],
    [['tokenize', 'train', 'text.txt', '-v', '270', '-o', 'locked/t.json'], 'locked/t.json'],
  ])('%j', async (args, folder) => {
    const { code, stderr } = await runBound(args);
    expect([code, stderr.trim().split('\n')]).toEqual([2, [expect.stringMatching(`^error: .*${folder}.* EACCES`)]]);
  });

  it('is read all the same', async () => {
    const { code, stderr } = await runBound([
      'generate',
      'locked/done',
      '-p',
      'The',
      '-d',
      'cpu',
      '--max-new-tokens',
      '3',
    ]);
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('exit code 1', () => {
  it('a fault of moda: one line that names a file with the details', async () => {
    await writeFile(join(cwd, 'fault.mjs'), "Math.sqrt = () => { throw new TypeError('planted\\nfault'); };");
    const env = { NODE_OPTIONS: `--import=${join(cwd, 'fault.mjs')}` };
    const { code, stderr } = await runCli(train('-n', 'faulty'), { cwd, env });
    expect(code).toBe(1);
    const [, path] = /^error: internal: TypeError: planted fault .* report it with (\S+)\n$/.exec(stderr)!;
    expect(await readFile(path, 'utf8')).toMatch(/"arguments": \[\s+"train",[\s\S]*TypeError: planted\nfault\n {4}at /);
    await rm(path);
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
