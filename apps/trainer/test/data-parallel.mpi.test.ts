import { execFileSync } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI, type CliOptions, metricsOf, runCli, SMALL_CONFIG, SMALL_TEXT, smallFolder } from './run-cli.ts';
import { mpirun, pidOfRank, runMpi, untilGone } from './run-mpi.ts';

let cwd = '';
beforeAll(async () => {
  cwd = await smallFolder('moda-mpi-');
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const SETTINGS = ['-c', 'small.yaml', '-s', 'training.batchSize=4', '-s', 'optimizer.lr=1e-3'];

async function rows(run: string): Promise<Record<string, number>[]> {
  return metricsOf(cwd, run);
}

const losses = async (run: string) => (await rows(run)).map(({ step, loss, heldOutLoss }) => [step, loss, heldOutLoss]);

/** Largest relative difference of the losses of two runs. */
async function difference(a: string, b: string): Promise<number> {
  const [left, right] = [await rows(a), await rows(b)];
  expect(right).toHaveLength(left.length);
  return Math.max(...left.map(({ loss }, i) => Math.abs(right[i].loss / loss - 1)));
}

/** The lines of ours in what a job prints on stderr; mpirun adds a box of its own. */
const errorLines = (stderr: string): string[] => stderr.split('\n').filter((line) => /^(error|ranks): /.test(line));

/** Kills a rank of the job in this folder once its output has a text. */
function killRank(rank: number, when: RegExp): Pick<CliOptions, 'cwd' | 'onOutput'> & { isSent: boolean } {
  const killing = {
    cwd,
    isSent: false,
    onOutput: (_: unknown, output: string) => {
      if (killing.isSent || !when.test(output)) return;
      killing.isSent = process.kill(pidOfRank(cwd, rank), 'SIGKILL');
    },
  };
  return killing;
}

describe('mpirun moda train [cpu]', () => {
  it('on 2 ranks equals 1 rank to 1e-6 and prints, logs and saves once', async () => {
    const one = await runCli(['train', ...SETTINGS, '-n', 'one', '--steps', '50'], { cwd });
    const two = await runMpi(2, ['train', ...SETTINGS, '-n', 'two', '--steps', '50'], { cwd });
    expect([one.code, two.code, two.stderr]).toEqual([0, 0, '']);
    expect(await difference('one', 'two')).toBeLessThan(1e-6);
    expect(two.stdout).toMatch(/device +cpu .* on each of 2 ranks/);
    expect(two.stdout.match(/step 50\/50 {2}loss/g)).toHaveLength(1);
    expect(two.stdout).toMatch(/report +runs\/two\/report.html/);
    expect(two.stdout).not.toContain('\x1b');
    expect((await readdir(join(cwd, 'runs'))).sort()).toEqual(['one', 'two']);
  });

  it('with sharded optimiser states equals it too, and its checkpoint resumes on one rank', async () => {
    const args = ['train', ...SETTINGS, '-s', 'training.shardOptimizer=true', '--steps', '50', '-n', 'sharded'];
    expect((await runMpi(2, args, { cwd })).code).toBe(0);
    expect(await difference('one', 'sharded')).toBeLessThan(1e-6);
    for (const step of ['49', '50']) {
      await rm(join(cwd, 'runs/sharded/checkpoints', `step-000000${step}`), { recursive: true });
    }
    const resumed = await runCli(['train', '--resume', 'sharded'], { cwd });
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(resumed.stdout).toContain('resumed after step 42 of 50');
    expect(await difference('one', 'sharded')).toBeLessThan(1e-6);
  });

  it('whose rank is killed ends with a message, and resumes from the last checkpoint bit for bit', async () => {
    const long = ['--steps', '240', '-s', 'checkpoint.every=20'];
    const whole = await runMpi(2, ['train', ...SETTINGS, ...long, '-n', 'whole'], { cwd });
    expect(whole.code).toBe(0);
    const killing = killRank(1, /step +40\/240/);
    const job = await runMpi(2, ['train', ...SETTINGS, ...long, '-n', 'killed'], killing);
    expect(killing.isSent).toBe(true);
    expect(job.code).not.toBe(0);
    expect(job.stderr).toMatch(/process rank 1 .*exited on\s+signal 9/);
    await untilGone(pidOfRank(cwd, 0));
    const resumed = await runMpi(2, ['train', '--resume', 'killed'], { cwd });
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    // How far the ranks get before the kill arrives is the machine's affair.
    const resumedAt = Number(resumed.stdout.match(/resumed after step (\d+) of 240/)?.[1]);
    expect([20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220]).toContain(resumedAt);
    expect(await losses('killed')).toEqual(await losses('whole'));
  });

  it('whose rank meets an error of its own ends with its line and exit code 2', async () => {
    const folders = [join(cwd, 'rank-0'), join(cwd, 'rank-1')];
    for (const folder of folders) {
      await mkdir(folder);
      await writeFile(join(folder, 'small.yaml'), SMALL_CONFIG);
      await writeFile(
        join(folder, 'tokens.bin'),
        Uint16Array.from({ length: 5000 }, (_, i) => (i * 7) % 270),
      );
    }
    const settings = ['-s', `tokenizer.path=${join(cwd, 'runs/one/tokenizer.json')}`, '-s', 'training.batchSize=4'];
    const train = [process.execPath, CLI, 'train', 'tokens.bin', '-c', 'small.yaml', ...settings];
    const args = [...train, '-o', join(cwd, 'shared'), '-n', 'broken', '--steps', '4000', '-s', 'checkpoint.every=5'];
    const ranks = folders.flatMap((folder, i) => [...(i > 0 ? [':'] : []), '-n', '1', '-wdir', folder, ...args]);
    let isCut = false;
    const { code, stderr } = await mpirun(ranks, {
      cwd,
      onOutput: (_, output) => {
        if (isCut || !/step +5\/4000/.test(output)) return;
        isCut = true;
        truncateSync(join(folders[1], 'tokens.bin'), 100);
      },
    });
    expect(code).toBe(2);
    expect(errorLines(stderr)).toEqual([
      expect.stringMatching(/^error: data: tokens\.bin must hold token .* it ends before/),
      'ranks: rank 1 of 2 ends the job; the last checkpoint is good.',
    ]);
    const resumed = await runMpi(1, ['train', '--resume', join(cwd, 'shared/broken'), '--steps', '5'], {
      cwd: folders[0],
    });
    expect(resumed.stdout).toMatch(/resumed after step \d+/);
  });

  it('ends cleanly on all ranks at SIGUSR2, which mpirun forwards, and resumes to the same losses', async () => {
    let sent = false;
    const stopped = await runMpi(
      2,
      ['train', ...SETTINGS, '--steps', '240', '-s', 'checkpoint.every=20', '-n', 'stopped'],
      {
        cwd,
        onOutput: (child, output) => {
          if (!sent && /step +40\/240/.test(output)) sent = child.kill('SIGUSR2');
        },
      },
    );
    expect([stopped.code, stopped.signal, errorLines(stopped.stderr)]).toEqual([0, null, []]);
    expect(stopped.stdout).toMatch(/interrupted after step \d+; saved/);
    const resumed = await runMpi(2, ['train', '--resume', 'stopped'], { cwd });
    expect(resumed.code).toBe(0);
    expect(await losses('stopped')).toEqual(await losses('whole'));
  });
});

describe('mpirun moda train with training.sync diloco [cpu]', () => {
  const diloco = (settings: readonly string[]): string[] =>
    ['training.sync=diloco', ...settings.map((setting) => `training.diloco.${setting}`)].flatMap((s) => ['-s', s]);
  const heldOut = async (run: string): Promise<number> => (await rows(run)).at(-1)!['heldOutLoss'];

  it('on 8 ranks equals 1 rank to 1e-6 where it averages after every step', async () => {
    const sgd = ['optimizer.kind=sgd', 'optimizer.sgdMomentum=0', 'optimizer.clipNorm=1000', 'training.batchSize=8'];
    const args = ['train', '-c', 'small.yaml', ...sgd.flatMap((s) => ['-s', s]), '--steps', '6'];
    const plain = diloco(['every=1', 'delay=0', 'outerLr=1', 'outerMomentum=0', 'coding=f32']);
    expect((await runCli([...args, '-n', 'alone'], { cwd })).code).toBe(0);
    const { code, stderr } = await runMpi(8, [...args, ...plain, '-n', 'apart-8'], { cwd });
    expect([code, stderr]).toEqual([0, '']);
    expect(Math.abs((await heldOut('apart-8')) / (await heldOut('alone')) - 1)).toBeLessThan(1e-6);
  }, 240_000);

  it('on 4 ranks goes on without one that is killed, where mpirun lets it', async () => {
    const args = [...SETTINGS, '--steps', '150', '-s', 'checkpoint.every=50'];
    const apart = diloco(['every=10', 'delay=3', 'patienceSeconds=2']);
    // The first line of a step: the ranks go on while the signal is on its way.
    const killing = killRank(2, /step +\d+\/150 /);
    const job = await runMpi(4, ['train', ...args, ...apart, '-n', 'bereft'], killing, ['--enable-recovery']);
    expect(killing.isSent).toBe(true);
    expect(job.stdout).toMatch(/warning: train: rank 2 has sent nothing of step \d+; the others go on without it/);
    expect(job.stdout).toMatch(/step 150\/150 {2}loss/);
    expect(job.stdout).toMatch(/report +runs\/bereft\/report.html/);
    expect(await heldOut('bereft')).toBeLessThan((await rows('bereft'))[0].loss);
    for (const rank of [0, 1, 3]) await untilGone(pidOfRank(cwd, rank));
    await readFile(join(cwd, 'runs/bereft/checkpoints/step-00000150/rank-3.safetensors'));
  }, 240_000);
});

describe('mpirun refuses with one line and exit code 2', () => {
  const refusal = async (pending: ReturnType<typeof runMpi>): Promise<string> => {
    const { code, stderr } = await pending;
    expect(code).toBe(2);
    const lines = errorLines(stderr);
    expect(lines).toHaveLength(1);
    return lines[0];
  };
  const train = ['train', ...SETTINGS, '--steps', '3', '-n', 'refused'];

  it('an MPI library that is missing', async () => {
    const line = await refusal(runMpi(2, train, { cwd, env: { MODA_MPI_LIBRARY: '/nowhere/libmpi.so.40' } }));
    expect(line).toMatch(/^error: mpi: OpenMPI 4 or 5 must be there .*\/nowhere\/libmpi\.so\.40.*Install it/);
  });

  it('ranks with different configurations', async () => {
    const rank = [process.execPath, CLI, ...train];
    const line = await refusal(
      mpirun(['-n', '1', ...rank, ':', '-n', '1', ...rank, '-s', 'optimizer.eps=1e-6'], { cwd }),
    );
    expect(line).toBe(
      'error: ranks: optimizer.eps is 1e-8 on rank 0 but 0.000001 on rank 1. Start every rank with the same version and settings.',
    );
  });

  it('ranks of different versions', async () => {
    // As deep below the package as the program itself, which finds presets and packages from there.
    const folder = join(dirname(CLI), '../.test-build-other');
    await mkdir(folder, { recursive: true });
    for (const file of (await readdir(dirname(CLI))).filter((name) => name.endsWith('.js'))) {
      const source = await readFile(join(dirname(CLI), file), 'utf8');
      const version = /(name: ?"@modajs\/trainer",\s*version: ?)"[^"]+"/;
      await writeFile(join(folder, file), source.replace(version, '$1"99.0.0"'));
    }
    const other = join(folder, basename(CLI));
    const args = ['-n', '1', process.execPath, CLI, ...train, ':', '-n', '1', process.execPath, other, ...train];
    expect(await refusal(mpirun(args, { cwd }))).toMatch(
      /version\.trainer is \d+\.\d+\.\d+ on rank 0 but 99\.0\.0 on rank 1/,
    );
    await rm(folder, { recursive: true });
  });

  it('ranks that read different data', async () => {
    await writeFile(join(cwd, 'longer.txt'), `${SMALL_TEXT}\nOne more line.`);
    // Both ranks name the same file; the second one lies in a folder where it is longer.
    execFileSync(
      'bash',
      ['-c', 'mkdir -p other && cp longer.txt other/text.txt && cp small.yaml other/ && mkdir -p shared-runs'],
      { cwd },
    );
    const out = ['-o', join(cwd, 'shared-runs')];
    const args = ['-n', '1', process.execPath, CLI, ...train, ...out];
    const line = await refusal(mpirun([...args, ':', '-wdir', join(cwd, 'other'), ...args], { cwd }));
    expect(line).toMatch(/is .* on rank 0 but .* on rank 1/);
  });

  it('a batch that the ranks cannot share, a corpus that is too short, a preset that does not exist', async () => {
    expect(await refusal(runMpi(3, train, { cwd }))).toContain('training.batchSize must be a multiple of ranks');
    await writeFile(join(cwd, 'short.txt'), 'Too short.');
    expect(await refusal(runMpi(2, [...train, 'short.txt'], { cwd }))).toMatch(/^error: (data|tokenizer): /);
    expect(await refusal(runMpi(2, ['train', '-p', 'tinny'], { cwd }))).toContain('Did you mean "tiny"?');
    expect(await readdir(join(cwd, 'runs'))).not.toContain('refused');
  });
});
