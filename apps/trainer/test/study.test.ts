import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StudyFile } from '@modajs/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, runCli, SMALL_CONFIG, SMALL_TEXT } from './run-cli.ts';

/** The long form of the kill test runs with MODA_KILLS=20. */
const KILLS = Number(process.env['MODA_KILLS'] ?? 3);

const SETTINGS = SMALL_CONFIG.replaceAll('\n', '\n  ')
  .replace('name: small', '')
  .replace(/checkpoint: .*/, '');
const STUDY = `
name: depth
settings:
  ${SETTINGS}
phases:
  - name: sweep
    settings: { training: { steps: 6 } }
    vary: { optimizer.lr: [0.01, 0.02], seed: [1] }
  - name: final
    settings: { training: { steps: 12 } }
    best: { optimizer.lr: sweep }
    vary: { seed: [1, 2] }
variants:
  residual: { model: { depth: residual } }
  moda: { model: { depth: moda } }
measure: { perplexity: domains, perplexityBytes: 300, tasks: [arc_easy], taskData: tasks, taskLimit: 2, batchTokens: 256 }
`;

let cwd = '';
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-study-'));
  await writeFile(join(cwd, 'text.txt'), SMALL_TEXT);
  await writeFile(join(cwd, 'other.txt'), SMALL_TEXT.replaceAll('whale', 'shark'));
  await writeFile(join(cwd, 'study.yaml'), STUDY);
  await mkdir(join(cwd, 'domains'));
  await mkdir(join(cwd, 'tasks'));
  await writeFile(join(cwd, 'domains/sea.txt'), SMALL_TEXT);
  const rows = ['water', 'sand'].map((answer, i) => ({
    id: String(i),
    question: `What is ${answer}?`,
    choices: { text: ['water', 'sand'], label: ['A', 'B'] },
    answerKey: 'AB'[i],
  }));
  await writeFile(join(cwd, 'tasks/arc-easy-validation.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const readStudy = async (out: string): Promise<StudyFile> =>
  JSON.parse(await readFile(join(cwd, out, 'depth/study.json'), 'utf8'));

/** What a study found, without what the clock says. */
const numbers = ({ runs }: StudyFile) =>
  runs.map(({ key, status, loss, heldOut, measures, depth, curve, inputs }) => {
    return { key, status, loss, heldOut, measures, depth, curve, inputs };
  });

describe('moda study [cpu]', () => {
  it('takes over a run that an earlier phase has done to the last setting', async () => {
    const text = STUDY.replace('steps: 12', 'steps: 6').replace(/measure: .*/, '');
    await writeFile(join(cwd, 'twins.yaml'), text);
    const { code, stdout } = await runCli(['study', 'twins.yaml', '-o', 'twins', '--only', 'residual'], { cwd });
    expect(code).toBe(0);
    expect(stdout.match(/held-out loss \d/g)).toHaveLength(3);
    const { runs } = await readStudy('twins');
    expect(runs.map(({ phase, seed }) => [phase, seed])).toEqual([
      ['sweep', 1],
      ['sweep', 1],
      ['final', 1],
      ['final', 2],
    ]);
    const rate = Number(runs[2].values['optimizer.lr']);
    expect(runs[2].curve).toEqual(runs.find((run) => run.values['optimizer.lr'] === rate)!.curve);
  }, 60_000);

  it('runs all phases, measures every model, and writes tables and a report; a second call repeats nothing', async () => {
    const first = await runCli(['study', 'study.yaml', '-o', 'one'], { cwd });
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toMatch(/moda +optimizer\.lr 0\.0[12] +2 +\d\.\d{4} ± \d\.\d{4} +[+−]\d\.\d{4} ± \d\.\d{4}/);
    const study = await readStudy('one');
    expect(study.runs.map(({ phase }) => phase)).toEqual([...Array(4).fill('sweep'), ...Array(4).fill('final')]);
    for (const run of study.runs) {
      expect(run).toMatchObject({
        status: 'finished',
        error: null,
        measures: { 'perplexity/sea': expect.any(Number) },
      });
      expect(run.measures['task/arc_easy']).toBeGreaterThan(0);
      expect(run.depth!.sinkMass).toHaveLength(2);
    }
    // The same data for the same seed, whatever the variant; another for another seed.
    const orders = study.runs
      .filter(({ phase }) => phase === 'final')
      .map(({ seed, inputs }) => [seed, inputs!.dataOrder]);
    expect(new Set(orders.map(String)).size).toBe(2);
    const files = await readdir(join(cwd, 'one/depth'));
    expect(files.sort()).toEqual(['final', 'report.html', 'study.csv', 'study.json', 'sweep', 'tokenizer.json']);
    const html = await readFile(join(cwd, 'one/depth/report.html'), 'utf8');
    expect(html).toContain('Nothing: every seed of every variant finished.');
    const before = await stat(join(cwd, 'one/depth', study.runs[0].key, 'result.json'));
    const again = await runCli(['study', 'study.yaml', '-o', 'one'], { cwd });
    expect(again.stdout.trim().split('\n')[0]).toMatch(/^variant/);
    expect((await stat(join(cwd, 'one/depth', study.runs[0].key, 'result.json'))).mtimeMs).toBe(before.mtimeMs);
    expect(numbers(await readStudy('one'))).toEqual(numbers(study));
  }, 120_000);

  it('gives the same numbers in two processes side by side, killed at any moment and called again', async () => {
    let kills = 0;
    for (let i = 0; i < KILLS; i++) {
      const { signal } = await runCli(['study', 'study.yaml', '-o', 'two', '-j', '2'], {
        cwd,
        onOutput: (child, output) => {
          // After the next run that ends, a little later each time.
          if (output.split(' runs').length > 1) setTimeout(() => child.kill('SIGKILL'), 120 * i);
        },
      });
      if (signal === 'SIGKILL') kills++;
    }
    expect(kills).toBeGreaterThan(0);
    const last = await runCli(['study', 'study.yaml', '-o', 'two', '-j', '2'], { cwd });
    expect([last.code, last.stderr]).toEqual([0, '']);
    expect(numbers(await readStudy('two'))).toEqual(numbers(await readStudy('one')));
  }, 240_000);

  it('is run by one process at a time; another is told which', async () => {
    const phase = (name: string, steps: number) => `  - { name: ${name}, settings: { training: { steps: ${steps} } } }`;
    const phases = ['phases:', phase('short', 6), phase('long', 1_000_000)].join('\n');
    const variants = 'variants: { residual: { model: { depth: residual } } }';
    await writeFile(join(cwd, 'long.yaml'), `name: depth\nsettings:\n  ${SETTINGS}\n${phases}\n${variants}\n`);
    const args = ['study', 'long.yaml', '-o', 'owned'];
    let others: Promise<CliResult[]> | undefined;
    const first = await runCli(args, {
      cwd,
      onOutput: (child, output) => {
        if (others || !output.includes('held-out loss')) return;
        const more = [args, [...args, '--report-only'], [...args, '--dry-run']];
        others = Promise.all(more.map((one) => runCli(one, { cwd }))).finally(() => child.kill('SIGINT'));
      },
    });
    expect([first.code, first.stderr]).toEqual([0, '']);
    const [second, report, plan] = await others!;
    for (const { code, stderr } of [second, report]) {
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/owned\/depth must not be in use, it is held by process \d+ \(moda study long\.yaml/),
      ]);
    }
    expect([plan.code, plan.stderr]).toEqual([0, '']);
    expect((await readStudy('owned')).runs.map(({ phase, status }) => [phase, status])).toEqual([
      ['short', 'finished'],
    ]);
    expect(await readdir(join(cwd, 'owned/depth'))).not.toContain('study.lock');
  }, 120_000);

  it('shows what diverged and goes on', async () => {
    const args = ['study', 'study.yaml', '-o', 'bad', '-s', 'training.zLoss=1e38'];
    const { code, stdout } = await runCli([...args, '--only', 'sweep/moda'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toContain('sweep/moda/optimizer.lr=0.01,seed=1  diverged: train: the run stopped');
    const { runs } = await readStudy('bad');
    expect(runs.map(({ status }) => status)).toEqual(['diverged', 'diverged']);
    expect(await readFile(join(cwd, 'bad/depth/report.html'), 'utf8')).toContain('the run stopped');
  }, 60_000);

  it('starts no run that would not end in time', async () => {
    await runCli(['study', 'study.yaml', '-o', 'late', '--only', 'sweep/residual/optimizer.lr=0.01'], { cwd });
    const { runs } = await readStudy('late');
    const slow = { ...runs[0], seconds: { ...runs[0].seconds, total: 1e6 } };
    await writeFile(join(cwd, 'late/depth', runs[0].key, 'result.json'), JSON.stringify(slow));
    const { code } = await runCli(['study', 'study.yaml', '-o', 'late', '--time-limit', '60'], { cwd });
    expect([code, (await readStudy('late')).runs.length]).toEqual([0, 1]);
  }, 60_000);

  it('goes on from results of a version that had fewer settings, and refuses them where those meant something else', async () => {
    await writeFile(join(cwd, 'earlier.yaml'), STUDY.replace(/measure: .*/, ''));
    const study = ['study', 'earlier.yaml', '-o', 'earlier', '--only', 'sweep/residual'];
    expect((await runCli(study, { cwd })).code).toBe(0);
    const file = join(cwd, 'earlier/depth/sweep/residual/optimizer.lr=0.01,seed=1/result.json');
    const result = JSON.parse(await readFile(file, 'utf8'));
    delete result.model.biasMaps;
    delete result.config.data.offsets;
    await writeFile(file, JSON.stringify(result));
    const other = await runCli(study, { cwd });
    expect([other.code, other.stderr]).toEqual([
      2,
      expect.stringContaining('data.offsets drawn, the file now says round'),
    ]);
    const same = await runCli([...study, '-s', 'data.offsets=drawn', '-s', 'training.steps=6'], { cwd });
    expect(same.stderr).toContain('optimizer.lr=0.02,seed=1 was run with data.offsets round');
  }, 60_000);

  it('refuses results of other settings, a file with an unknown key, and what it cannot measure with', async () => {
    const changed = await runCli(['study', 'study.yaml', '-o', 'late', '-s', 'optimizer.eps=1e-5'], { cwd });
    expect([changed.code, changed.stderr]).toEqual([
      2,
      expect.stringContaining('optimizer.eps 1e-8, the file now says 0.00001'),
    ]);
    await writeFile(join(cwd, 'bad.yaml'), 'varients: {}');
    const unknown = await runCli(['study', 'bad.yaml'], { cwd });
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('Did you mean "variants"?')]);
    await writeFile(join(cwd, 'task.yaml'), STUDY.replace('arc_easy', 'arc_hard'));
    const task = await runCli(['study', 'task.yaml', '-o', 'task'], { cwd });
    expect([task.code, task.stderr]).toEqual([2, expect.stringContaining('"arc_hard" must be a task')]);
  }, 60_000);
});
