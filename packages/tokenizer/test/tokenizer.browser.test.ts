import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchBrowser, serveFolder } from '@modajs/browser';
import { RandomText } from '@modajs/vitest/random-text';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trainBpe } from '../src/train/train-bpe.ts';

/** What the page runs. */
const PAGE = `
  import { Tokenizer, trainBpe } from './index.ts';
  globalThis.encodeInPage = (texts) => {
    const json = trainBpe(texts, { vocabSize: 700, specialTokens: ['<eos>'] }).toJson();
    const tokenizer = Tokenizer.fromJson(json);
    const ids = texts.map((text) => Array.from(tokenizer.encode(text)));
    return { json, ids, decoded: ids.map((row) => tokenizer.decode(row)) };
  };`;
const folder = mkdtempSync(join(tmpdir(), 'moda-tokenizer-page-'));
let browser: Awaited<ReturnType<typeof launchBrowser>>;
let server: Awaited<ReturnType<typeof serveFolder>>;

beforeAll(async () => {
  await build({
    stdin: { contents: PAGE, resolveDir: join(import.meta.dirname, '../src'), loader: 'ts' },
    outfile: join(folder, 'page.js'),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    logLevel: 'error',
  });
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><title>tokenizer</title><script type="module" src="page.js"></script>',
  );
  server = await serveFolder(folder);
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

interface PageResult {
  readonly json: string;
  readonly ids: number[][];
  readonly decoded: string[];
}

describe('the tokenizer in a page', () => {
  test('trains, saves, encodes and decodes as in Node [browser]', async () => {
    const random = new RandomText(17);
    const texts = Array.from({ length: 300 }, () => random.string(12).replace(/[\ud800-\udfff]/gu, '\ufffd'));
    const page = await browser.newPage();
    await page.goto(`${server.url}/index.html`);
    await page.waitForFunction('globalThis.encodeInPage');
    const result = await page.evaluate<PageResult>(`globalThis.encodeInPage(${JSON.stringify(texts)})`);
    const here = trainBpe(texts, { vocabSize: 700, specialTokens: ['<eos>'] });
    expect(result.json).toBe(here.toJson());
    expect(result.ids).toEqual(texts.map((text) => Array.from(here.encode(text))));
    expect(result.decoded).toEqual(texts);
  });
});
