import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, SMALL_CONFIG, SMALL_TEXT } from './run-cli.ts';
import { runHere } from './run-here.ts';

let cwd = '';
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-tokenize-'));
  await writeFile(join(cwd, 'small.yaml'), SMALL_CONFIG);
  const lines = SMALL_TEXT.split('\n').map((text) => `${JSON.stringify({ text })}\n`);
  await writeFile(join(cwd, 'lines.jsonl'), lines.join(''));
  const { code } = await runCli(['tokenize', 'train', 'lines.jsonl', '-v', '270', '-o', 't.json'], { cwd });
  expect(code).toBe(0);
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

describe('moda tokenize', () => {
  it('decodes what it encodes', async () => {
    const text = 'The old whale — dived.';
    const { stdout: ids } = await runHere(['tokenize', 'encode', 't.json', text], { cwd });
    const { stdout } = await runHere(['tokenize', 'decode', 't.json', ...ids.trim().split(' ')], { cwd });
    expect(stdout).toBe(`${text}\n`);
    const bad = await runHere(['tokenize', 'decode', 't.json', '1', 'x'], { cwd });
    expect([bad.code, bad.stderr]).toEqual([2, 'error: tokenize: ids must be whole numbers, got "x".\n']);
  });

  it('makes shards that moda train reads, with the tokenizer beside them', async () => {
    const made = await runCli(
      ['tokenize', 'shards', 't.json', 'lines.jsonl', '-o', 'shards', '--shard-tokens', '700', '--threads', '0'],
      { cwd },
    );
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect((await readdir(join(cwd, 'shards'))).filter((name) => name.endsWith('.bin')).length).toBeGreaterThan(2);
    const args = ['train', 'shards', '-c', 'small.yaml', '--steps', '4', '-s', 'data.packing=documents'];
    const trained = await runCli(args, { cwd });
    expect([trained.code, trained.stderr]).toEqual([0, '']);
    const rows = (await readFile(join(cwd, 'runs/small/metrics.jsonl'), 'utf8')).trim().split('\n');
    expect(JSON.parse(rows[3])).toMatchObject({ heldOutBitsPerByte: expect.any(Number) });
    expect(await readFile(join(cwd, 'runs/small/tokenizer.json'), 'utf8')).toBe(
      await readFile(join(cwd, 't.json'), 'utf8'),
    );
  });

  it('gives shards and the text they were made from the same losses, by source and over all', async () => {
    for (const [i, part] of ['a', 'b'].entries()) {
      await mkdir(join(cwd, part), { recursive: true });
      const documents = SMALL_TEXT.split('\n').filter((_, line) => line % 3 === 0 || line % 2 === i);
      await writeFile(join(cwd, part, 'train.jsonl'), documents.map((text) => JSON.stringify({ text })).join('\n'));
    }
    const sources = ['a/train.jsonl', 'b/train.jsonl'];
    const shards = await runCli(
      ['tokenize', 'shards', 't.json', ...sources, '-o', 'both', '--shard-tokens', '500', '--threads', '0'],
      { cwd },
    );
    expect([shards.code, shards.stderr]).toEqual([0, '']);
    const rowsOf = async (name: string, data: readonly string[], more: readonly string[] = []) => {
      const args = ['train', ...data, '-c', 'small.yaml', '--steps', '12', '-n', name, ...more];
      const { code, stderr, stdout } = await runCli(args, { cwd });
      expect([code, stderr]).toEqual([0, '']);
      const text = await readFile(join(cwd, `runs/${name}/metrics.jsonl`), 'utf8');
      const rows = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, number>);
      const report = await readFile(join(cwd, `runs/${name}/report.html`), 'utf8');
      for (const shown of [stdout, report]) for (const source of sources) expect(shown).toContain(source);
      return rows.map((row) =>
        Object.fromEntries(Object.entries(row).filter(([key]) => /^(loss|heldOut)/.test(key) || key === 'step')),
      );
    };
    const packed = ['-s', 'data.packing=documents', '-s', 'tokenizer.path=t.json'];
    const fromText = await rowsOf('from-text', sources, packed);
    expect(Object.keys(fromText[9])).toEqual(
      expect.arrayContaining(['heldOutLoss/a/train.jsonl', 'heldOutBitsPerByte/b/train.jsonl', 'heldOutBitsPerByte']),
    );
    expect(fromText[9]['heldOutLoss/a/train.jsonl']).not.toBe(fromText[9]['heldOutLoss/b/train.jsonl']);
    expect(await rowsOf('from-shards', ['both'], packed)).toEqual(fromText);
  });

  it('finds the held-out documents that stand in training text, and none between different ones', async () => {
    const words = (of: number) => Array.from({ length: 40 }, (_, i) => `w${of}x${i}`).join(' ');
    const documents = Array.from({ length: 60 }, (_, i) => words(i));
    const lines = (texts: readonly string[]) => texts.map((text) => JSON.stringify({ text })).join('\n');
    await writeFile(join(cwd, 'different.jsonl'), lines(documents));
    const overlap = async (...inputs: string[]) =>
      (await runHere(['tokenize', 'overlap', ...inputs, '--held-out', '0.3'], { cwd })).stdout;
    const [, held, none] = /different +(\d+) +(\d+) /.exec(await overlap('different.jsonl')) as RegExpExecArray;
    expect(Number(held)).toBeGreaterThan(5);
    expect(none).toBe('0');
    // Copies are on one side; a document that begins and ends otherwise is another one.
    await writeFile(join(cwd, 'again.jsonl'), lines([...documents, ...documents]));
    expect(await overlap('different.jsonl', 'again.jsonl')).toMatch(
      new RegExp(`different +${held} +0 .*\nagain +${2 * Number(held)} +0 `),
    );
    // The end of a source of one document is held out: words of its own.
    const own = Array.from({ length: 40 }, (_, i) => words(100 + i)).join(' ');
    await writeFile(join(cwd, 'quoted.txt'), `It begins: ${documents.join(' and ')} and then ${own}.`);
    expect(await overlap('different.jsonl', 'quoted.txt')).toMatch(new RegExp(`different +${held} +${held} +${held} `));
  });

  it('refuses shards of another tokenizer, be it of the same tokens in another order', async () => {
    const json = JSON.parse(await readFile(join(cwd, 't.json'), 'utf8'));
    const [first, second] = Object.keys(json.model.vocab).slice(-2);
    [json.model.vocab[first], json.model.vocab[second]] = [json.model.vocab[second], json.model.vocab[first]];
    await writeFile(join(cwd, 'other.json'), JSON.stringify(json));
    const refused = await runHere(['train', 'shards', '-c', 'small.yaml', '-s', 'tokenizer.path=other.json'], { cwd });
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('shards must be read with the tokenizer it was made with, got another of 270 tokens'),
    ]);
  });

  it('a shard whose ids exceed the vocabulary, and one without a tokenizer, are refused by moda train', async () => {
    await writeFile(join(cwd, 'alien.bin'), new Uint8Array(Uint16Array.from({ length: 99 }, (_, i) => i * 500).buffer));
    const unknown = await runHere(['train', 'alien.bin', '-c', 'small.yaml'], { cwd });
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      expect.stringContaining('tokenizer.path must name the tokenizer'),
    ]);
    const alien = await runHere(['train', 'alien.bin', '-c', 'small.yaml', '-s', 'tokenizer.path=t.json'], { cwd });
    expect([alien.code, alien.stderr]).toEqual([
      2,
      expect.stringContaining('alien.bin must hold ids below the vocabulary of 270, got 500 at token 1'),
    ]);
  });
});
