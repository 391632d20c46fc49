import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { init } from '@modajs/tensor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { perplexityReport, taskResults } from './evaluation-data.ts';
import { type ServedSite, serveSite } from './served-site.ts';
import { smallRun } from './small-run.ts';

let site: ServedSite;
beforeAll(async () => {
  site = await serveSite();
  const write = (path: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(site.runs, path)), { recursive: true });
    writeFileSync(join(site.runs, path), content);
  };
  using device = await init({ device: 'cpu', threads: 1 });
  for (const [path, bytes] of (await smallRun(device, 12)).storage.files) write(`small/${path}`, bytes);
  write('small/results.json', JSON.stringify(await taskResults('small', (i) => i % 3 > 0)));
  write('small/perplexity.json', JSON.stringify(await perplexityReport('small', () => 1.5)));
});
afterAll(() => site?.close());

it('results of served runs stand in the tables without being dropped, under the strict policy [browser]', async () => {
  const { page, errors } = await site.open('#/evaluation');
  await page.waitForFunction(() => document.querySelectorAll('.files li').length === 2);
  const heads = await page.locator('table.scores thead th.file .sort').allTextContents();
  expect(heads).toEqual(['small', 'small']);
  await page.click('[aria-label="Remove small"] >> nth=0');
  await page.selectOption('label:has-text("served here") select', { index: 1 });
  await page.waitForFunction(() => document.querySelectorAll('.files li').length === 2);
  expect(errors).toEqual([]);
  await page.close();
});

it('a served run’s newest checkpoint opens on the attention page, threads and all [browser]', async () => {
  const { page, errors } = await site.open('#/attention');
  await page.waitForSelector('option:text-is("small")', { state: 'attached' });
  await page.selectOption('label:has-text("Run served here") select', 'small');
  await page.waitForSelector('.matrices canvas');
  expect(await page.textContent('main .note')).toMatch(
    /^small: moda, 4 layers, 4 heads.*cpu \(WebAssembly.*threads\)$/,
  );
  expect(errors).toEqual([]);
  await page.close();
});
