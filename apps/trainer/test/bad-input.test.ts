import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, smallFolder } from './run-cli.ts';
import { runHere } from './run-here.ts';

let cwd = '';
beforeAll(async () => {
  cwd = await smallFolder('moda-bad-input-');
  await writeFile(join(cwd, 'empty.txt'), '');
  await writeFile(join(cwd, 'latin1.txt'), Buffer.concat([Buffer.from('abc '), Buffer.from([0xe9, 0x20, 0x61])]));
  await writeFile(join(cwd, 'broken.yaml'), 'training: { steps: 3\n  x');
  await writeFile(join(cwd, 'short.txt'), 'too short');
  await writeFile(join(cwd, 'bad.jsonl'), '{"text": "fine"}\n{"body": "no text"}\n');
  await writeFile(join(cwd, 'cut.jsonl.gz'), gzipSync(`{"text": "${'word '.repeat(5000)}"}\n`).subarray(0, 60));
  await writeFile(join(cwd, 'notes.pdf'), 'x');
  await mkdir(join(cwd, 'nothing'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

/** Runs `moda train -c small.yaml ...` and expects one line on stderr and exit code 2. */
async function refused(args: readonly string[]): Promise<string> {
  const { code, stderr } = await runHere(args, { cwd });
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(2);
  return stderr;
}

describe('moda train refuses', () => {
  it.each([
    ['a missing file', ['nowhere.txt'], 'nowhere.txt must be a file or folder that can be read, but is not there'],
    ['an empty file', ['empty.txt'], 'empty.txt must not be empty, got 0 bytes'],
    ['an empty folder', ['nothing'], 'nothing must hold files of text, got none'],
    ['text that is not UTF-8, naming the byte', ['latin1.txt'], 'latin1.txt (byte 4) must be UTF-8'],
    [
      'a line without text, naming it',
      ['bad.jsonl'],
      'bad.jsonl (line 2) must have text in the field "text", got the fields body',
    ],
    ['a gzip file that is cut short', ['cut.jsonl.gz'], 'cut.jsonl.gz must hold whole gzip data'],
    ['a file of another kind', ['notes.pdf'], 'notes.pdf must end in a kind that is known, .txt'],
    ['a text shorter than one sequence', ['short.txt'], 'must hold at least one sequence of 18 tokens'],
    ['less text than one batch', ['-s', 'training.batchSize=4000'], 'must hold at least one batch of 4000 sequences'],
    ['an unknown key', ['-s', 'training.stepz=3'], 'unknown key "training.stepz". Did you mean "training.steps"?'],
    ['an unknown model key', ['-s', 'model.nLayer=3'], 'nLayers'],
    ['a wrong type', ['-s', 'training.steps=many'], 'training.steps must be an integer at least 1, got "many"'],
    ['an unknown preset', ['-p', 'tinny'], 'unknown preset "tinny". Did you mean "tiny"?'],
    ['YAML that is broken, with its place', ['-c', 'broken.yaml'], 'broken.yaml: not valid YAML at line'],
    ['a config file that is missing', ['-c', 'none.yaml'], 'none.yaml must be a readable YAML file, got ENOENT'],
    ['a tokenizer that is missing', ['-s', 'tokenizer.path=t.json'], 't.json must be a readable tokenizer.json'],
    [
      'a run to resume that does not exist',
      ['--resume', 'other'],
      'other must be a run or its folder, it is not. There is no folder runs: train one with `moda train`',
    ],
    ['a bundled text that does not exist', ['builtin:ulysses'], 'there is one bundled text, builtin:moby-dick'],
  ])('%s', async (_, args, message) => {
    expect(await refused(['train', '-c', 'small.yaml', ...args])).toContain(message);
    expect(await readdir(cwd)).not.toContain('runs');
  });

  it('an unknown option and an unknown command', async () => {
    const option = await runHere(['train', '--stesp', '3'], { cwd });
    expect([option.code, option.stderr]).toEqual([2, expect.stringContaining("unknown option '--stesp'")]);
    const command = await runHere(['trian'], { cwd });
    expect([command.code, command.stderr]).toEqual([2, expect.stringContaining('Did you mean train?')]);
  });

  it('a machine without a WebGPU adapter when webgpu is named', async () => {
    const nowhere = join(cwd, 'no-driver.json');
    const env = { VK_DRIVER_FILES: nowhere, VK_ICD_FILENAMES: nowhere };
    const { code, stderr } = await runCli(['train', '-c', 'small.yaml', '--device', 'webgpu'], { cwd, env });
    expect(code).toBe(2);
    // The WebGPU implementation adds warnings of its own above our line.
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^error: webgpu: .* adapter/);
  });
});

describe('a run on disk', () => {
  const checkpoints = () => join(cwd, 'runs', 'small', 'checkpoints');
  beforeAll(async () => {
    const { code, stderr } = await runCli(['train', '-c', 'small.yaml'], { cwd });
    expect([code, stderr]).toEqual([0, '']);
  });

  it('is not harmed by a resume with another model', async () => {
    const before = await readFile(join(cwd, 'runs/small/metrics.jsonl'), 'utf8');
    const stderr = await refused(['train', '-c', 'small.yaml', '--resume', '-s', 'model.dModel=48', '--steps', '40']);
    expect(stderr).toContain('model.dModel is 24 in the checkpoint but 48 in the configuration');
    expect(await readFile(join(cwd, 'runs/small/metrics.jsonl'), 'utf8')).toBe(before);
    const saved = JSON.parse(await readFile(join(cwd, 'runs/small/config.json'), 'utf8'));
    expect(saved.model.dModel).toBe(24);
  });

  it('goes on from the previous checkpoint when the newest is truncated, and says so', async () => {
    const names = (await readdir(checkpoints())).sort();
    expect(names).toEqual(['step-00000021', 'step-00000028', 'step-00000030']);
    const before = await readFile(join(cwd, 'runs/small/metrics.jsonl'), 'utf8');
    await truncate(join(checkpoints(), 'step-00000030', 'model.safetensors'), 1000);
    const { code, stdout } = await runCli(['train', '-c', 'small.yaml', '--resume'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /warning: checkpoint: .*step-00000030 is damaged: model.safetensors must hold \d+ B, got 1000/,
    );
    expect(stdout).toContain('resumed after step 28 of 30');
    const losses = (text: string) =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).loss);
    expect(losses(await readFile(join(cwd, 'runs/small/metrics.jsonl'), 'utf8'))).toEqual(losses(before));
  });

  it('is kept when another of the same name starts, which gets a number', async () => {
    const { code } = await runCli(['train', '-c', 'small.yaml', '--steps', '3'], { cwd });
    expect(code).toBe(0);
    expect((await readdir(join(cwd, 'runs'))).sort()).toEqual(['small', 'small-2']);
  });

  it('survives a disk that fills up: the run goes on, ends with exit code 2, and earlier checkpoints are whole', async () => {
    // The 7th step's checkpoint fits the limit; with more steps metrics.jsonl does not (POSIX counts 512 bytes).
    const { code, stderr, stdout } = await runCli(['train', '-c', 'small.yaml', '-n', 'full', '--steps', '25'], {
      cwd,
      before: "trap '' XFSZ; ulimit -f 80",
    });
    expect(stdout).toContain('step 25/25');
    expect(stdout).toMatch(/warning: storage: .* the disk is full \(EFBIG\)/);
    expect([code, stderr]).toEqual([2, expect.stringContaining('what was saved before is intact')]);
  });
});
