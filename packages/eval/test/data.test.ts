import { gzipSync } from 'node:zlib';
import type { HubRepository } from '@modajs/models';
import { Field, List, Struct, Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { Table as ArrowTable, writeParquet } from 'parquet-wasm';
import { describe, expect, test } from 'vitest';
import type { FileStore } from '../src/data/file-store.ts';
import { folderRows } from '../src/data/folder-rows.ts';
import { hubRows } from '../src/data/hub-rows.ts';
import { readRows } from '../src/data/read-rows.ts';
import { cachedRowSource } from '../src/data/row-source.ts';
import { readTokenShard, splitShard } from '../src/perplexity/token-shard.ts';
import { folderStore } from './support/folder-store.ts';
import { hasSharedData, sharedPath } from './support/shared-data.ts';

const ROWS = [
  { question: 'Which?', label: 1 },
  { question: 'Où « ça » ?', label: 0 },
];
const textList = new List(new Field('item', new Utf8()));
const utf8 = (text: string) => new TextEncoder().encode(text);
const jsonl = utf8(ROWS.map((row) => JSON.stringify(row)).join('\n') + '\n');
const parquet = () =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'question', data: ROWS.map((row) => row.question), type: 'STRING' },
        { name: 'label', data: ROWS.map((row) => BigInt(row.label)), type: 'INT64' },
      ],
    }),
  );

function memoryStore(files: Record<string, Uint8Array>): FileStore & { files: Record<string, Uint8Array> } {
  return {
    files,
    read: async (path) => files[path] ?? null,
    write: async (path, bytes) => {
      files[path] = bytes;
    },
  };
}

describe('readRows', () => {
  test('readRows > JSON lines, JSON lists and both gzipped give the same rows', async () => {
    expect(await readRows(jsonl, 'a.jsonl')).toEqual(ROWS);
    expect(await readRows(gzipSync(jsonl), 'a.jsonl.gz')).toEqual(ROWS);
    expect(await readRows(utf8(JSON.stringify(ROWS)), 'a.json')).toEqual(ROWS);
  });

  test('readRows > Parquet, 64-bit labels as numbers', async () => {
    expect(await readRows(parquet(), 'a.parquet')).toEqual(ROWS);
  });

  test('readRows > Parquet of several chunks, with lists, structs and nulls as plain values', async () => {
    const table = new Table({
      question: vectorFromArray(
        Array.from({ length: 2500 }, (_, i) => (i % 7 === 0 ? null : `q${i}`)),
        new Utf8(),
      ),
      choices: vectorFromArray(
        Array.from({ length: 2500 }, (_, i) => ({ text: ['a', `b${i}`], label: ['A', 'B'] })),
        new Struct([new Field('text', textList), new Field('label', textList)]),
      ),
    });
    const rows = await readRows(writeParquet(ArrowTable.fromIPCStream(tableToIPC(table, 'stream'))), 'a.parquet');
    expect(rows).toHaveLength(2500);
    expect(rows[2499]).toEqual({ question: null, choices: { text: ['a', 'b2499'], label: ['A', 'B'] } });
    expect(rows[1024]).toEqual({ question: 'q1024', choices: { text: ['a', 'b1024'], label: ['A', 'B'] } });
  });

  test('readRows > a file that unpacks to too much, or nests too deep, is refused with the limit', async () => {
    const bomb = gzipSync(utf8(`{"text":"${'a'.repeat(2 ** 20)}"}`));
    expect(bomb.length).toBeLessThan(2000);
    await expect(readRows(bomb, 'a.jsonl.gz', { maxBytes: 2 ** 19 })).rejects.toThrow('at most 524288 bytes');
    await expect(readRows(bomb, 'a.jsonl.gz')).resolves.toHaveLength(1);
    await expect(readRows(parquet(), 'a.parquet', { maxBytes: 64 })).rejects.toThrow('at most 64 bytes');
    const deep = `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`;
    await expect(readRows(utf8(deep), 'a.jsonl')).rejects.toThrow('row 1 must nest at most 32 deep');
  });

  test('readRows > no flipped bit of a Parquet file hangs or ends in anything but rows or a DataError', async () => {
    const file = parquet();
    for (let bit = 0; bit < 8 * file.length; bit += 7) {
      const damaged = file.slice();
      damaged[bit >> 3] ^= 1 << (bit & 7);
      const result = await readRows(damaged, 'a.parquet').catch((error: Error) => error.name);
      if (typeof result === 'string') expect(result).toBe('DataError');
    }
  });

  test.each([
    ['a.jsonl', utf8('{"a":1}\n{"a":'), 'line 2 must be JSON'],
    ['a.jsonl', utf8('{"a":1}\n7\n'), 'line 2 must be an object'],
    ['a.jsonl.gz', utf8('not gzip'), 'cannot be read'],
    ['a.parquet', utf8('PAR0 nothing'), 'cannot be read'],
    ['a.arrow', utf8('ARROW1'), 'Arrow files are not read'],
    ['a.csv', utf8('a,b'), 'must end in .jsonl'],
    ['a.json', utf8('{}'), 'must be a list of objects'],
  ])('readRows > damaged %s is refused with its path', async (path, bytes, message) => {
    await expect(readRows(bytes, path)).rejects.toMatchObject({
      name: 'DataError',
      path: expect.stringContaining('a.'),
    });
    await expect(readRows(bytes, path)).rejects.toThrow(message);
  });
});

describe('row sources', () => {
  const reference = { repository: 'owner/name', config: 'main', split: 'test', file: 'name-test' };

  test('folder > finds a flat file, a repository layout and a sharded clone', async () => {
    expect(await folderRows(memoryStore({ 'name-test.jsonl': jsonl })).rows(reference)).toEqual(ROWS);
    expect(await folderRows(memoryStore({ 'owner/name/main/test.parquet': parquet() })).rows(reference)).toEqual(ROWS);
    const shards = {
      'owner/name/main/test-00000-of-00002.parquet': parquet(),
      'owner/name/main/test-00001-of-00002.parquet': parquet(),
    };
    expect(await folderRows(memoryStore(shards)).rows(reference)).toEqual([...ROWS, ...ROWS]);
  });

  test('folder > a file that many subjects share is read once', async () => {
    const reads: string[] = [];
    const store = memoryStore({ 'name-test.jsonl': jsonl });
    const source = folderRows({
      read: async (path) => {
        reads.push(path);
        return store.read(path);
      },
    });
    for (const config of ['algebra', 'anatomy']) expect(await source.rows({ ...reference, config })).toEqual(ROWS);
    expect(reads.filter((path) => path === 'name-test.jsonl')).toHaveLength(1);
  });

  test('folder > a missing split and a missing shard are refused by name', async () => {
    await expect(folderRows(memoryStore({})).rows(reference)).rejects.toThrow(
      'dataset owner/name (test): name-test.jsonl',
    );
    const half = { 'owner/name/main/test-00000-of-00002.parquet': parquet() };
    await expect(folderRows(memoryStore(half)).rows(reference)).rejects.toThrow(
      'test-00001-of-00002.parquet must be there',
    );
  });

  test('hub > reads all Parquet files of a split, from the branch that holds them', async () => {
    const opened: HubRepository[] = [];
    const files: Record<string, Uint8Array> = {
      'main/test/0000.parquet': parquet(),
      'main/test/0001.parquet': parquet(),
      'main/test/notes.txt': utf8('no rows'),
    };
    const open = (repository: HubRepository) => {
      opened.push(repository);
      return {
        list: async (folder: string) => Object.keys(files).filter((path) => path.startsWith(`${folder}/`)),
        read: async (path: string) => files[path] ?? null,
      };
    };
    expect(await hubRows({ open }).rows(reference)).toEqual([...ROWS, ...ROWS]);
    expect(opened).toEqual([{ type: 'dataset', name: 'owner/name', revision: 'refs/convert/parquet' }]);
    const noSplit = hubRows({ open }).rows({ ...reference, split: 'train' });
    await expect(noSplit).rejects.toThrow('the hub must have Parquet files of main/train');
  });

  test('hub > an unreachable hub, an unknown dataset and a malformed name say so with a cure', async () => {
    const down = (async () => Promise.reject(new TypeError('fetch failed'))) as unknown as typeof globalThis.fetch;
    await expect(hubRows({ fetch: down }).rows(reference)).rejects.toThrow(
      /dataset owner\/name: hub: .* must be reachable/,
    );
    const unknown = (async () => new Response('', { status: 404 })) as typeof globalThis.fetch;
    await expect(hubRows({ fetch: unknown }).rows(reference)).rejects.toThrow('got status 404');
    for (const repository of ['../../x', 'a', 'a/b/../c'])
      await expect(hubRows({ fetch: down }).rows({ ...reference, repository })).rejects.toThrow('owner/name');
  });

  test('cached source > reads a file once for many subjects, and again after a failure', async () => {
    let reads = 0;
    const source = cachedRowSource({
      rows: async () => {
        if (reads++ === 0) throw new Error('flaky');
        return ROWS;
      },
    });
    await expect(source.rows(reference)).rejects.toThrow('flaky');
    for (const equals of ['a', 'b'])
      expect(await source.rows({ ...reference, where: { field: 'subject', equals } })).toEqual(ROWS);
    expect(reads).toBe(2);
  });
});

describe('token shards', () => {
  test.each(['uint16', 'uint32'] as const)('readTokenShard > %s ids, little-endian', (dtype) => {
    const ids = [3, 511, 65535];
    const bytes = new Uint8Array((dtype === 'uint16' ? Uint16Array : Uint32Array).from(ids).buffer);
    expect(readTokenShard(bytes, dtype)).toEqual(Int32Array.from(ids));
  });

  test('readTokenShard > a torn file, a NumPy header and ids of the wrong dtype are refused', () => {
    expect(() => readTokenShard(new Uint8Array(7), 'uint32', { path: 'x.npy' })).toThrow(
      'x.npy: a uint32 shard must be a multiple of 4 bytes, got 7',
    );
    expect(() => readTokenShard(Uint8Array.from([0x93, 0x4e, 0x55, 0x4d]), 'uint32')).toThrow('must be headerless');
    const asWide = new Uint8Array(Uint16Array.from([5, 7]).buffer);
    expect(() => readTokenShard(asWide, 'uint32', { vocabSize: 512 })).toThrow('ids must be below V=512');
  });

  test('splitShard > documents end at the end token, empty ones are dropped', () => {
    const documents = splitShard(Int32Array.from([0, 5, 7, 0, 0, 3]), 0).map((document) => [...document]);
    expect(documents).toEqual([[5, 7], [3]]);
  });
});

describe.runIf(hasSharedData)('official rows', () => {
  test('folder > the ten tasks and LAMBADA load with the row counts their authors give', async () => {
    const source = folderRows(folderStore(sharedPath('eval')));
    const count = async (file: string) => (await source.rows({ repository: 'x/y', split: 's', file })).length;
    expect(await count('piqa-validation')).toBe(1838);
    expect(await count('mmlu-test')).toBe(14042);
    expect(await count('lambada-openai')).toBe(5153);
  });
});
