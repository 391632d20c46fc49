import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RandomText } from '@modajs/vitest/random-text';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { documentHash } from '../document-hash.ts';
import { DataError } from '../errors.ts';
import { Tokenizer } from '../tokenizer.ts';
import { trainBpe } from '../train/train-bpe.ts';
import { encodeFilesToShards } from './encode-files-to-shards.ts';
import { readShardDocuments } from './shard-documents.ts';
import { openShards, parseManifest, readManifest } from './shard-manifest.ts';

const root = mkdtempSync(join(tmpdir(), 'moda-shards-'));
afterAll(() => rmSync(root, { recursive: true }));
let outDir = '';
beforeEach(() => {
  outDir = mkdtempSync(join(root, 'out-'));
});

const tokenizer = trainBpe(['the cat sat on the mat and the dog'], { vocabSize: 280, specialTokens: ['<eos>'] });
const eos = tokenizer.idOf('<eos>') as number;
const random = new RandomText(4);
const documents = Array.from({ length: 211 }, (_, n) =>
  `document ${n}: ${random.string(9)} <eos> the cat sat`.replace(/[\ud800-\udfff]/gu, '?'),
);
const lines = join(root, 'documents.jsonl');
writeFileSync(lines, documents.map((text) => JSON.stringify({ text })).join('\n'));
const long = join(root, 'long.txt');
writeFileSync(long, 'the dog and the cat sat on the mat. '.repeat(90_000));
const inputs = [lines, long];
const settings = { inputs, tokenizer, endOfText: '<eos>', shardTokens: 1009, threads: 0 };

const filesOf = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  );
const shardTokens = (folder: string, file: string) => {
  const bytes = readFileSync(join(folder, file));
  return new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

describe('encodeFilesToShards', () => {
  test('writes the tokens of every document, an end of text after each, and where each starts', async () => {
    const manifest = await encodeFilesToShards({ ...settings, outDir });
    expect(manifest.documents).toBe(212);
    expect(manifest.dtype).toBe('uint16');
    expect(manifest.complete).toBe(true);
    expect(manifest.shards.length).toBeGreaterThan(3);
    const texts: string[] = [];
    for (const { file, indexFile, documents: count } of manifest.shards) {
      const tokens = shardTokens(outDir, file);
      const index = readFileSync(join(outDir, indexFile));
      for (let document = 0; document < count; document++) {
        const start = index.readUInt32LE(document * 16);
        const end = document + 1 < count ? index.readUInt32LE(document * 16 + 16) : tokens.length;
        expect(tokens[end - 1]).toBe(eos);
        texts.push(tokenizer.decode(tokens.subarray(start, end - 1)));
      }
    }
    expect(texts.slice(0, 211)).toEqual(documents);
    expect(texts[211] === readFileSync(long, 'utf8')).toBe(true);
    expect(Tokenizer.fromJson(readFileSync(join(outDir, 'tokenizer.json'), 'utf8')).encode('the cat')).toEqual(
      tokenizer.encode('the cat'),
    );
    expect(await openShards(outDir)).toEqual(manifest);
  });

  test('keeps the source, hash and bytes of every document, over shard borders and after a stop', async () => {
    const manifest = await encodeFilesToShards({ ...settings, outDir });
    expect(manifest.sources.map(({ path }) => path)).toEqual(inputs);
    const [first, second] = await readShardDocuments(outDir, manifest);
    expect([first?.start, second?.start]).toEqual([0, first?.tokens.reduce((sum, count) => sum + count, 0)]);
    expect(Array.from(first?.hashes as Uint32Array)).toEqual(documents.map(documentHash));
    expect(Array.from(first?.textBytes as Uint32Array)).toEqual(documents.map((text) => Buffer.byteLength(text)));
    expect(Array.from(first?.tokens as Uint32Array)).toEqual(
      documents.map((text) => tokenizer.encode(text, { specialTokens: 'text' }).length + 1),
    );
    const text = readFileSync(long, 'utf8');
    expect([Array.from(second?.hashes as Uint32Array), Array.from(second?.textBytes as Uint32Array)]).toEqual([
      [documentHash(text)],
      [text.length],
    ]);
    const shares = manifest.shards.flatMap(({ sources }) => sources);
    const total = (source: number, field: 'documents' | 'tokens' | 'textBytes') =>
      shares.filter((share) => share.source === source).reduce((sum, share) => sum + share[field], 0);
    expect([total(0, 'documents'), total(1, 'documents'), total(1, 'textBytes')]).toEqual([211, 1, text.length]);
    expect(total(0, 'tokens') + total(1, 'tokens')).toBe(manifest.tokens);
  });

  test('every single changed bit of a manifest is noticed, of a finished and of an interrupted one', async () => {
    const few = { ...settings, inputs: lines, shardTokens: 4001 };
    const stopped = mkdtempSync(join(root, 'out-'));
    const control = new AbortController();
    const stop = encodeFilesToShards({
      ...few,
      outDir: stopped,
      signal: control.signal,
      onProgress: ({ shards }) => shards >= 1 && control.abort(),
    });
    await expect(stop).rejects.toThrow('was stopped');
    await encodeFilesToShards({ ...few, outDir });
    for (const folder of [stopped, outDir]) {
      const path = join(folder, 'manifest.json');
      const whole = readFileSync(path);
      for (let bit = 0; bit < whole.length * 8; bit++) {
        const changed = Buffer.from(whole);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(() => parseManifest(changed.toString(), path), `bit ${bit}`).toThrow(DataError);
      }
      expect((await readManifest(folder))?.complete).toBe(folder === outDir);
    }
  });

  test('a manifest that nests without an end is refused', () => {
    const nested = `{"version":2,"checksum":"","shards":${'['.repeat(9000)}${']'.repeat(9000)}}`;
    expect(() => parseManifest(nested, 'manifest.json')).toThrow(DataError);
  });

  test('a special token in a document is text, unless asked otherwise', async () => {
    await encodeFilesToShards({ ...settings, outDir, endOfText: undefined as never, shardTokens: 1 << 24 });
    expect(shardTokens(outDir, 'shard-00000.bin')).not.toContain(eos);
  });

  test('worker threads write the same bytes', async () => {
    await encodeFilesToShards({ ...settings, outDir });
    const threaded = mkdtempSync(join(root, 'out-'));
    await encodeFilesToShards({ ...settings, outDir: threaded, threads: 2 });
    expect(filesOf(threaded)).toEqual(filesOf(outDir));
  });

  test('a run that is stopped goes on and ends as if it had not been', async () => {
    await encodeFilesToShards({ ...settings, outDir });
    const stopped = mkdtempSync(join(root, 'out-'));
    const control = new AbortController();
    const stop = encodeFilesToShards({
      ...settings,
      outDir: stopped,
      signal: control.signal,
      onProgress: ({ shards }) => shards >= 2 && control.abort(),
    });
    await expect(stop).rejects.toThrow('was stopped. Run the same again to go on');
    expect((await readManifest(stopped))?.complete).toBe(false);
    await expect(openShards(stopped)).rejects.toThrow('must be finished, got 2 shards of an interrupted run');
    let resumed = 0;
    await encodeFilesToShards({
      ...settings,
      outDir: stopped,
      onProgress: ({ resumedDocuments }) => (resumed = resumedDocuments),
    });
    expect(resumed).toBeGreaterThan(0);
    expect(filesOf(stopped)).toEqual(filesOf(outDir));
  });

  test('a killed process loses and repeats nothing', async () => {
    await encodeFilesToShards({ ...settings, outDir });
    const killed = mkdtempSync(join(root, 'out-'));
    writeFileSync(join(root, 'tokenizer.json'), tokenizer.toJson());
    const dist = pathToFileURL(join(import.meta.dirname, '../../dist/')).href;
    const script = `
      import { readFileSync } from 'node:fs';
      import { Tokenizer } from '${dist}index.js';
      import { encodeFilesToShards } from '${dist}node/index.js';
      const tokenizer = Tokenizer.fromJson(readFileSync(${JSON.stringify(join(root, 'tokenizer.json'))}, 'utf8'));
      await encodeFilesToShards({ ...${JSON.stringify({ inputs, endOfText: '<eos>', shardTokens: 1009, threads: 1 })}, outDir: ${JSON.stringify(killed)}, tokenizer,
        onProgress: ({ shards, documents }) => { if (shards === 3 && documents % 7 === 0) process.kill(process.pid, 'SIGKILL'); } });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    const signal = await new Promise((resolve) => child.on('exit', (_, name) => resolve(name)));
    expect(signal).toBe('SIGKILL');
    expect((await readManifest(killed))?.shards.length).toBe(3);
    await encodeFilesToShards({ ...settings, outDir: killed });
    expect(filesOf(killed)).toEqual(filesOf(outDir));
  });

  test('a shard that was cut short is named, and made again', async () => {
    await encodeFilesToShards({ ...settings, outDir });
    const before = filesOf(outDir);
    const path = join(outDir, 'shard-00001.bin');
    const size = readFileSync(path).length;
    truncateSync(path, size - 6);
    await expect(openShards(outDir)).rejects.toThrow(`${path} must be ${size} bytes, got ${size - 6}`);
    await encodeFilesToShards({ ...settings, outDir });
    expect(filesOf(outDir)).toEqual(before);
  });

  test('a changed shard is named', async () => {
    await encodeFilesToShards({ ...settings, outDir });
    const path = join(outDir, 'shard-00000.bin');
    const bytes = readFileSync(path);
    bytes[10] = (bytes[10] as number) ^ 1;
    writeFileSync(path, bytes);
    await expect(openShards(outDir)).rejects.toThrow('must have the checksum of the manifest');
  });

  test('refuses a folder with shards of other settings, and leaves it alone', async () => {
    await encodeFilesToShards({ ...settings, outDir });
    const before = filesOf(outDir);
    await expect(encodeFilesToShards({ ...settings, outDir, shardTokens: 2003 })).rejects.toThrow(
      'got shards of another. Choose another folder',
    );
    expect(filesOf(outDir)).toEqual(before);
  });

  test('bad input leaves no broken shard behind, and the finished ones', async () => {
    const bad = join(root, 'bad.jsonl');
    writeFileSync(bad, Buffer.concat([readFileSync(lines), Buffer.from('\n{"text":"\xff"}', 'latin1')]));
    await expect(encodeFilesToShards({ ...settings, inputs: bad, outDir })).rejects.toThrow(
      '(line 212, byte 9) must be UTF-8',
    );
    expect(readdirSync(outDir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(existsSync(join(outDir, 'shard-00000.bin'))).toBe(true);
    const skipped = mkdtempSync(join(root, 'out-'));
    const manifest = await encodeFilesToShards({ ...settings, inputs: bad, outDir: skipped, onInvalid: 'skip' });
    expect([manifest.documents, manifest.skippedDocuments]).toEqual([211, 1]);
  });

  test('refuses a vocabulary over uint16, and a token that is none', async () => {
    const json = JSON.parse(tokenizer.toJson());
    json.added_tokens.push({ id: 70_000, content: '<far>', special: true });
    const large = Tokenizer.fromJson(json);
    await expect(encodeFilesToShards({ ...settings, outDir, tokenizer: large, dtype: 'uint16' })).rejects.toThrow(
      'must have at most 65536 ids, got 70001. Use uint32',
    );
    expect((await encodeFilesToShards({ ...settings, outDir, tokenizer: large })).dtype).toBe('uint32');
    await expect(encodeFilesToShards({ ...settings, outDir, endOfText: '<no>' })).rejects.toThrow(
      'endOfText must be a token of the vocabulary, got "<no>"',
    );
  });
});
