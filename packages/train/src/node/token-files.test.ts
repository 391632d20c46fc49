import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectTokenFile } from './token-file.ts';
import { TokenFilesSource } from './token-files-source.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moda-tokens-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const ids = (count: number, first = 0) => Array.from({ length: count }, (_, i) => first + i);

async function nanoGpt(name: string, tokens: number[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, new Uint8Array(Uint16Array.from(tokens).buffer));
  return path;
}

async function llmC(name: string, tokens: number[], magic = 20240520, claimed = tokens.length): Promise<string> {
  const header = new Int32Array(256);
  header.set([magic, magic === 20240520 ? 1 : 7, claimed]);
  const body = magic === 20240520 ? Uint16Array.from(tokens) : Uint32Array.from(tokens);
  const path = join(folder, name);
  await writeFile(path, Buffer.concat([Buffer.from(header.buffer), Buffer.from(body.buffer)]));
  return path;
}

describe('token files', () => {
  it('of nanoGPT and llm.c are told apart and read as one run across their borders', async () => {
    const paths = [
      await nanoGpt('a.bin', ids(7)),
      await llmC('b.bin', ids(5, 7)),
      await llmC('c.bin', ids(4, 12), 20240801),
    ];
    const files = await Promise.all(paths.map((path) => inspectTokenFile(path, 50_257)));
    expect(files.map(({ headerBytes, bytesPerToken, tokens }) => [headerBytes, bytesPerToken, tokens])).toEqual([
      [0, 2, 7],
      [1024, 2, 5],
      [1024, 4, 4],
    ]);
    const source = await TokenFilesSource.open('abc', files, 16);
    expect(source.length).toBe(16);
    for (const [start, count] of [
      [0, 16],
      [5, 4],
      [6, 8],
      [11, 2],
      [15, 1],
    ]) {
      expect(Array.from(await source.read(start, count))).toEqual(ids(count, start));
    }
    await source.close();
  });

  it('without a header have the width that the vocabulary needs or that their numbers show', async () => {
    const write = async (name: string, tokens: Uint16Array | Uint32Array) => {
      const path = join(folder, name);
      await writeFile(path, new Uint8Array(tokens.buffer));
      return path;
    };
    const text = [97, 300, 5, 40_000, 97, 0, 12];
    const wide = await write('wide.bin', Uint32Array.from(text));
    const narrow = await write('narrow.bin', Uint16Array.from(text));
    const widthOf = async (path: string, vocabSize: number) => (await inspectTokenFile(path, vocabSize)).bytesPerToken;
    expect([await widthOf(wide, 50_257), await widthOf(wide, 100_278)]).toEqual([4, 4]);
    expect(await widthOf(narrow, 50_257)).toBe(2);
    const source = await TokenFilesSource.open('wide', [await inspectTokenFile(wide, 50_257)], 50_257);
    expect(Array.from(await source.read(0, source.length))).toEqual(text);
    await source.close();
    // uint16 ids of another tokenizer, read as the uint32 that this vocabulary needs, and uint32 ids of a larger one.
    const even = await write('even.bin', Uint16Array.from(text.slice(0, 6)));
    await expect(TokenFilesSource.open('x', [await inspectTokenFile(even, 100_278)], 100_278)).rejects.toThrow(
      DataError,
    );
    await expect(inspectTokenFile(narrow, 100_278)).rejects.toThrow(DataError);
    const larger = await write('larger.bin', Uint32Array.from([97, 100_257, 300, 70_000]));
    await expect(TokenFilesSource.open('x', [await inspectTokenFile(larger, 50_257)], 50_257)).rejects.toThrow(
      'got 100257',
    );
  });

  it('whose ids exceed the vocabulary are refused with the place', async () => {
    const file = await inspectTokenFile(await nanoGpt('big.bin', [1, 2, 50_000, 3]), 512);
    await expect(TokenFilesSource.open('big', [file], 512)).rejects.toThrow(
      /big\.bin must hold ids below the vocabulary of 512, got 50000 at token 2/,
    );
  });

  it('that are missing, empty, odd or cut short are refused', async () => {
    await expect(inspectTokenFile(join(folder, 'none.bin'), 512)).rejects.toThrow('got ENOENT');
    await expect(inspectTokenFile(await nanoGpt('empty.bin', []), 512)).rejects.toThrow(DataError);
    await writeFile(join(folder, 'odd.bin'), new Uint8Array(7));
    await expect(inspectTokenFile(join(folder, 'odd.bin'), 512)).rejects.toThrow('cut short');
    const cut = await llmC('cut.bin', ids(3), 20240520, 9);
    await expect(inspectTokenFile(cut, 512)).rejects.toThrow('must hold 9 tokens in 1042 B, got 1030 B');
  });
});
