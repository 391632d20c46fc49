import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, describe, expect, test } from 'vitest';
import { ZSTD_JSONL } from '../../test/zstd-fixture.ts';
import { trainBpe } from '../train/train-bpe.ts';
import type { ReadOptions } from './document-part.ts';
import { readTextFile, streamDocuments, streamTrainingTexts } from './stream-documents.ts';

const folder = mkdtempSync(join(tmpdir(), 'moda-documents-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}

async function texts(path: string | string[], options?: ReadOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { text } of streamDocuments(path, options)) found.push(text);
  return found;
}

const bytes = (...parts: (string | number[])[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)));
const rows = ['{"text":"één"}', '', '{"text":"two\\nlines","x":1}'].join('\n');

describe('streamDocuments', () => {
  test('reads a text file as one document, without a byte order mark', async () => {
    expect(await texts(file('a.txt', '\ufeffone\n\n日本語 😀'))).toEqual(['one\n\n日本語 😀']);
  });

  test('reads JSON lines, blank lines aside, plain and compressed', async () => {
    expect(await texts(file('a.jsonl', rows))).toEqual(['één', 'two\nlines']);
    expect(await texts(file('b.jsonl.gz', gzipSync(`${rows}\n`)))).toEqual(['één', 'two\nlines']);
    const found = await texts(file('c.jsonl.zst', Buffer.from(ZSTD_JSONL, 'base64')));
    expect(found.length).toBe(80);
    expect(found.slice(0, 2)).toEqual(['first é', 'second']);
  });

  test('reads Parquet by row groups, leaving nulls out', async () => {
    const data = Array.from({ length: 257 }, (_, row) => (row === 100 ? null : `row ${row} é`));
    const content = parquetWriteBuffer({
      columnData: [
        { name: 'body', data, type: 'STRING' },
        { name: 'n', data: data.map((_, n) => n), type: 'INT32' },
      ],
      rowGroupSize: 64,
    });
    const path = file('a.parquet', new Uint8Array(content));
    const found = await texts(path, { textField: 'body' });
    expect(found).toEqual(data.filter((text) => text !== null));
    await expect(texts(path)).rejects.toThrow('must have the column "text", got body, n');
  });

  test('goes through folders in the order of names', async () => {
    file('tree/b.txt', 'b');
    file('tree/a/z.jsonl', '{"text":"a"}');
    file('tree/ignored.csv', 'x');
    expect(await texts(join(folder, 'tree'))).toEqual(['a', 'b']);
  });

  test('reads a folder with links in a circle once, and names a link to nothing', async () => {
    const path = file('linked/a.txt', 'a');
    file('linked/sub/b.txt', 'b');
    symlinkSync('..', join(folder, 'linked/sub/up'));
    symlinkSync('.', join(folder, 'linked/self'));
    symlinkSync(path, join(folder, 'linked/again.txt'));
    symlinkSync(join(folder, 'gone.csv'), join(folder, 'linked/other.csv'));
    expect(await texts(join(folder, 'linked'))).toEqual(['a', 'b']);
    symlinkSync(join(folder, 'gone.txt'), join(folder, 'linked/z.txt'));
    await expect(texts(join(folder, 'linked'))).rejects.toThrow(/z\.txt must be readable, got ENOENT/);
  });

  test.each(['a', '7', '!', ' ', '日'])('refuses a small file that unpacks to one word of %j', async (unit) => {
    const bomb = unit.repeat(20_000_000);
    await expect(texts(file('bomb.txt.gz', gzipSync(`a b ${bomb}`)))).rejects.toThrow(
      'characters of one kind in a row',
    );
    await expect(texts(file('bomb.jsonl.gz', gzipSync(JSON.stringify({ text: bomb }))))).rejects.toThrow(
      '(line 1) must hold words',
    );
  });

  test('characters on the border of two chunks stay whole', async () => {
    const text = `${'x'.repeat((1 << 20) - 2)}😀é${'日'.repeat(400_000)}`;
    expect((await texts(file('large.txt', text)))[0] === text).toBe(true);
    expect((await texts(file('large.jsonl', JSON.stringify({ text }))))[0] === text).toBe(true);
  });

  test('training texts of a large file come in parts that count the same words', async () => {
    const path = file('train.txt', 'the cat sat on the mat. '.repeat(60_000));
    const tokenizer = trainBpe(['the cat sat on the mat'], { vocabSize: 260 });
    const parts: string[] = [];
    for await (const text of streamTrainingTexts(path, { safeCut: (text) => tokenizer.safeCut(text) }))
      parts.push(text);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.join('')).toBe(await readTextFile(path));
    expect(trainBpe(parts, { vocabSize: 270 }).toJson()).toBe(trainBpe([parts.join('')], { vocabSize: 270 }).toJson());
  });
});

describe('bytes that are not UTF-8', () => {
  const text = file('bad.txt', bytes('good ', [0xff], ' more'));
  const lines = file('bad.jsonl', bytes('{"text":"one"}\n{"text":"t', [0xe2, 0x82], 'wo"}\n{"text":"three"}\n'));

  test('stop by default, with file and byte', async () => {
    await expect(texts(text)).rejects.toThrow(`${text} (byte 5) must be UTF-8`);
    await expect(texts(lines)).rejects.toThrow(`${lines} (line 2, byte 10) must be UTF-8`);
  });

  test('are named in a character cut off at the end of the file, and beyond the first chunk', async () => {
    await expect(texts(file('cut.txt', bytes('ab', [0xe2, 0x82])))).rejects.toThrow('(byte 2)');
    const far = Buffer.concat([Buffer.alloc(3_000_001, 'a'), Buffer.from([0xc0, 0x61])]);
    await expect(texts(file('far.txt', far))).rejects.toThrow('(byte 3000001)');
    await expect(texts(file('far-in-multibyte.txt', bytes('日'.repeat(700_000), [0x80])))).rejects.toThrow(
      '(byte 2100000)',
    );
  });

  test('are replaced', async () => {
    const problems: string[] = [];
    const options: ReadOptions = {
      onInvalid: 'replace',
      onProblem: ({ place, action }) => problems.push(`${action} ${place}`),
    };
    expect(await texts([text, lines], options)).toEqual(['good \ufffd more', 'one', 't\ufffdwo', 'three']);
    expect(problems).toEqual(['replaced byte 5', 'replaced line 2, byte 10']);
  });

  test('make their document be skipped', async () => {
    const problems: string[] = [];
    const options: ReadOptions = {
      onInvalid: 'skip',
      onProblem: ({ place, action }) => problems.push(`${action} ${place}`),
    };
    expect(await texts([text, lines], options)).toEqual(['one', 'three']);
    expect(problems).toEqual(['skipped byte 5', 'skipped line 2, byte 10']);
  });
});

describe('input that cannot be used', () => {
  test.each([
    [
      'a line that is not JSON',
      () => file('x.jsonl', '{"text":"a"}\n{"text":'),
      '(line 2) must be one JSON object a line',
    ],
    [
      'a line without text',
      () => file('y.jsonl', '{"body":"a"}'),
      '(line 1) must have text in the field "text", got the fields body',
    ],
    ['an empty file', () => file('empty.txt', ''), 'must not be empty, got 0 bytes'],
    [
      'a missing file',
      () => join(folder, 'missing.txt'),
      'must be a file or folder that can be read, but is not there',
    ],
    ['another kind of file', () => file('z.csv', 'a'), 'must end in a kind that is known'],
    ['a folder without text', () => join(file('none/a.csv', ''), '..'), 'must hold files of text, got none'],
    [
      'gzip that is cut short',
      () => file('half.txt.gz', gzipSync('a'.repeat(9999)).subarray(0, 30)),
      'must hold whole gzip data',
    ],
    ['zstd that is broken', () => file('broken.jsonl.zst', bytes('no zstd at all')), 'must hold whole zstd data'],
    ['a file that is not Parquet', () => file('no.parquet', 'nothing of the kind'), 'must be a whole Parquet file'],
  ])('%s is named', async (_, make, message) => {
    await expect(texts(make())).rejects.toThrow(message);
  });
});
