import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricsOf, runCli, SMALL_TEXT, smallFolder } from './run-cli.ts';
import { runHere } from './run-here.ts';

let cwd = '';
beforeAll(async () => {
  cwd = await smallFolder('moda-train-');
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const train = (...args: string[]) => runCli(['train', '-c', 'small.yaml', ...args], { cwd });

async function metrics(run: string): Promise<Record<string, number>[]> {
  return metricsOf(cwd, run);
}

const losses = async (run: string) => (await metrics(run)).map(({ step, loss }) => [step, loss]);

describe('moda train [cpu]', () => {
  it('writes everything a run has, and rows that carry their numbers', async () => {
    const { code, stdout } = await train('-n', 'first');
    expect(code).toBe(0);
    expect((await readdir(join(cwd, 'runs/first'))).sort()).toEqual([
      'checkpoints',
      'config.json',
      'metrics.csv',
      'metrics.jsonl',
      'report.html',
      'samples.json',
      'tensorboard',
      'tokenizer.json',
    ]);
    const rows = await metrics('first');
    expect(rows).toHaveLength(30);
    for (const row of rows) {
      expect(row).toMatchObject({ loss: expect.any(Number), tokensPerSecond: expect.any(Number) });
      expect(row.utilizationPercent).toBeGreaterThan(0);
      expect('heldOutBitsPerByte' in row).toBe(row.step % 10 === 0);
    }
    expect(rows[29].loss).toBeLessThan(rows[0].loss * 0.8);
    expect(stdout).toMatch(/Witten-Bell byte model, order 4 +\d\.\d\d/);
    expect(stdout).toMatch(/report +runs\/first\/report.html/);
    const report = await readFile(join(cwd, 'runs/first/report.html'), 'utf8');
    expect(report).toContain('layer 1, head 1');
    expect(report).toContain('<td>moda train -c small.yaml -n first</td>');
    expect(stdout).toMatch(/^next\n {2}moda generate first --prompt the\n/m);
    const csv = (await readFile(join(cwd, 'runs/first/metrics.csv'), 'utf8')).split('\n');
    expect([csv.length, csv[0]]).toEqual([32, expect.stringMatching(/^step,loss,.*heldOutBitsPerByte/)]);
  });

  it('samples text that its tokenizer knows from a model with a larger vocabulary', async () => {
    const settings = ['samples.temperature=2', 'samples.maxNewTokens=40', 'data.heldOut=0'];
    const short = ['--steps', '1', '--batch-size', '2', '--lr', '1e-4'];
    const { code, stderr } = await runCli(
      ['train', 'text.txt', '-p', 'tiny', ...short, '-n', 'large', ...settings.flatMap((s) => ['-s', s])],
      { cwd },
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { run } = JSON.parse(await readFile(join(cwd, 'runs/large/config.json'), 'utf8'));
    expect([run.training.batchSize, run.optimizer.lr]).toEqual([2, 1e-4]);
  });

  it('gives bit-identical losses a second time, and other ones from another seed', async () => {
    await train('-n', 'again');
    expect(await losses('again')).toEqual(await losses('first'));
    await train('-n', 'other', '--seed', '2', '--steps', '2');
    expect((await losses('other'))[0]).not.toEqual((await losses('first'))[0]);
  });

  it('reads .jsonl and .jsonl.gz of a folder as documents that do not see each other', async () => {
    const lines = SMALL_TEXT.split('\n').map((text) => `${JSON.stringify({ text })}\n`);
    const folder = join(cwd, 'documents');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'a.jsonl'), lines.slice(0, 50).join(''));
    await writeFile(join(folder, 'b.jsonl.gz'), gzipSync(lines.slice(50).join('')));
    const { code, stdout } = await train('documents', '-n', 'docs', '-s', 'data.packing=documents', '--steps', '4');
    expect(code).toBe(0);
    expect(stdout).toContain('documents: ');
    expect(await metrics('docs')).toHaveLength(4);
  });

  it('mixes sources and reports each domain', async () => {
    await writeFile(join(cwd, 'other.txt'), 'Ships sail north and south. '.repeat(90));
    const sources = 'data.sources=[{path: text.txt, weight: 3}, other.txt]';
    const { stdout } = await train('-n', 'mix', '-s', sources, '--steps', '4');
    const last = (await metrics('mix')).at(-1)!;
    expect(last).toMatchObject({
      'heldOutBitsPerByte/text': expect.any(Number),
      'heldOutPerplexity/other': expect.any(Number),
    });
    expect(stdout).toMatch(/bits per byte, text \d\.\d+, other \d\.\d+/);
  });

  it('ends cleanly at Ctrl-C and resumes to the same losses', async () => {
    const steps = ['--steps', '150'];
    await train('-n', 'whole', ...steps);
    let sent = false;
    const interrupted = await runCli(['train', '-c', 'small.yaml', '-n', 'stopped', ...steps], {
      cwd,
      onOutput: (child, output) => {
        if (!sent && output.includes('step   4/150')) sent = child.kill('SIGINT');
      },
    });
    expect([interrupted.code, interrupted.signal]).toEqual([0, null]);
    expect(interrupted.stdout).toMatch(/interrupted after step \d+; saved/);
    const resumed = await runCli(['train', '--resume', 'stopped'], { cwd });
    expect(resumed.code).toBe(0);
    expect(await losses('stopped')).toEqual(await losses('whole'));
  });

  it('runs chosen tasks and continues prompts at every evaluation', async () => {
    // Rows as the hub has them; the answer is always the second ending.
    const rows = Array.from({ length: 7 }, (_, i) => ({
      premise: `The whale number ${i} swam.`,
      question: 'effect',
      choice1: 'It sang.',
      choice2: 'It dived.',
      label: 1,
      idx: i,
    }));
    await mkdir(join(cwd, 'eval'), { recursive: true });
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    await writeFile(join(cwd, 'eval', 'copa-validation.jsonl.gz'), gzipSync(text));
    const tasks = ['-s', 'evaluation.tasks=copa', '-s', 'evaluation.taskData=eval', '-s', 'evaluation.taskLimit=5'];
    const samples = ['-s', 'samples.atEvaluations=true'];
    const { code, stderr } = await train('-n', 'tasks', '--steps', '20', ...tasks, ...samples);
    expect([code, stderr]).toEqual([0, '']);
    const evaluated = (await metrics('tasks')).filter((row) => 'task/copa' in row);
    expect(evaluated.map(({ step }) => step)).toEqual([10, 20]);
    for (const row of evaluated) expect([0, 0.2, 0.4, 0.6, 0.8, 1]).toContain(row['task/copa']);
    const lines = (await readFile(join(cwd, 'runs/tasks/samples.jsonl'), 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { step: 10, prompt: 'the', text: expect.any(String) },
      { step: 20, prompt: 'the' },
    ]);
    const missing = await train('-n', 'missing', '-s', 'evaluation.tasks=piqa', '-s', 'evaluation.taskData=eval');
    expect([missing.code, missing.stderr.trim().split('\n').length]).toEqual([2, 1]);
    expect(await readdir(join(cwd, 'runs'))).not.toContain('missing');
  });

  it('prints estimates in a dry run and writes nothing', async () => {
    const { code, stdout } = await train('-n', 'dry', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/memory: total +[\d.]+ [KM]iB/);
    expect(stdout).toMatch(/tokens per second/);
    expect(stdout).toMatch(/peak FLOP\/s +[\d.]+[MG] \(measured\)/);
    expect(stdout).toMatch(/model FLOPs utilisation +[\d.]+ %/);
    expect(await readdir(join(cwd, 'runs'))).not.toContain('dry');
  });
});

describe('moda info', () => {
  it('lists presets and describes one as JSON', async () => {
    const all = await runHere(['models'], { cwd });
    expect(all.stdout).toMatch(/^layers-24-post-moda +73.7M +24 +6\/2 +384 +512 +moda$/m);
    expect(all.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    const { stdout } = await runHere(['info', 'tiny', '--json'], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({ name: 'tiny', parameters: expect.any(Number) });
  });
});

describe('presets of the paper', () => {
  it('have the parameter counts of its tables', async () => {
    const { stdout } = await runHere(['info', '--json'], { cwd });
    const counts = Object.fromEntries(
      (JSON.parse(stdout) as { name: string; parameters: number }[]).map(({ name, parameters }) => [name, parameters]),
    );
    // Tables 3 and 6: printed as 705.7, 700.5, 73.72, 71.35, 128.11 and 123.38 million.
    expect(counts).toMatchObject({
      'moda-700m': 705_745_920,
      'olmo2-700m': 700_510_208,
      'layers-24-post-moda': 73_713_024,
      'layers-24-post-olmo2': 71_347_584,
      'layers-48-post-moda': 128_108_928,
      'layers-48-pre-olmo2': 123_378_048,
    });
  });
});

describe('moda bench step [cpu]', () => {
  it('times a preset beside the same model without depth', async () => {
    const args = [
      'bench',
      'step',
      'tiny',
      '--runs',
      '1',
      '--json',
      'bench.json',
      '-s',
      'device=cpu',
      '-s',
      'training.batchSize=1',
    ];
    const { code, stdout } = await runCli([...args, '-s', 'model.seqLen=16'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/depth: residual +[\d.]+k +[\d.]+ +[\d.]+ +[\d.]+k? +[\d.]+[MG] +0\.0 %/);
    const { schema, rows } = JSON.parse(await readFile(join(cwd, 'bench.json'), 'utf8'));
    expect([schema, rows.length]).toEqual(['modajs-bench/1', 2]);
    expect(rows[0]).toMatchObject({ preset: 'step', total: { medianMs: expect.any(Number) }, baseline: rows[1].id });
  });
});
