import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchBrowser, serveFolder } from '@modajs/browser';
import { wgslEsbuild } from '@modajs/build/wgsl';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';

let browser: Awaited<ReturnType<typeof launchBrowser>>;
let server: Awaited<ReturnType<typeof serveFolder>>;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'modajs-bench-page-'));
  await build({
    entryPoints: [fileURLToPath(new URL('./page-worker.ts', import.meta.url))],
    outfile: join(folder, 'worker.js'),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['@modajs/source'],
    plugins: [wgslEsbuild()],
    logLevel: 'error',
  });
  writeFileSync(join(folder, 'index.html'), '<!doctype html><meta charset="utf-8"><title>bench</title>');
  server = await serveFolder(folder);
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  if (folder) rmSync(folder, { recursive: true });
});

it('measures rows right in a Worker, and keeps and forgets tunings in IndexedDB [browser]', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/`);
  // biome-ignore lint/suspicious/noExplicitAny: what the Worker answers is checked below.
  const answer: any = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const { Worker } = globalThis as unknown as {
          Worker: new (url: string, options: object) => { onmessage: (event: { data: unknown }) => void };
        };
        const worker = new Worker('worker.js', { type: 'module' });
        worker.onmessage = ({ data }) => resolve(data);
      }),
  );
  expect(answer.error).toBeUndefined();
  expect(answer.environment).toMatchObject({ device: 'webgpu', robustness: 'on' });
  expect(answer.rows).toHaveLength(2);
  for (const row of answer.rows) {
    expect(row).toMatchObject({ status: 'measured', errors: { out: expect.any(Number) } });
    expect(row.errors.out).toBeLessThanOrEqual(row.tolerance);
    expect(row.total.medianMs).toBeGreaterThan(0);
  }
  expect(answer.before).toEqual({});
  expect(answer.after).toEqual({ [answer.key]: { matmul: { some: { kind: 'naive' } }, attention: {} } });
  expect(answer.forgotten).toEqual({});
});
