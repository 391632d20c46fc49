import { readFileSync } from 'node:fs';
import { readBenchResults, TABLE_2 } from '@modajs/bench';
import { axeProblems } from '@modajs/browser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from './open-dashboard.ts';
import { type ServedSite, serveSite } from './served-site.ts';

let site: ServedSite;
beforeAll(async () => {
  site = await serveSite();
});
afterAll(() => site?.close());

/** Chooses a benchmark and what it runs on, and starts it. */
async function measure(
  page: Page,
  tab: string,
  device: 'cpu' | 'webgpu',
  peers: readonly string[] = [],
): Promise<void> {
  await page.click(`role=tab[name="${tab}"]`);
  await page.selectOption('select[name=scale]', 'smoke');
  await page.selectOption('select[name=device]', device);
  for (const peer of peers) await page.click(`.choices button:has-text("${peer}")`);
  await page.click('text=Measure on this device');
}

/** The file of "Download mine". */
async function downloaded(page: Page) {
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('text=Download mine')]);
  return readBenchResults(JSON.parse(readFileSync(await file.path(), 'utf8')))[0];
}

/** In the page: the only table kept gives the attention of the smoke benchmark the kernel of rows. */
async function keepRowsKernel(): Promise<void> {
  const finished = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await finished(indexedDB.open('modajs-tuning', 1));
  const store = database.transaction('modajs-tuning', 'readwrite').objectStore('modajs-tuning');
  const { version, adapters } = await finished(store.get('cache'));
  const attention = { 'sequence f32 D64 Dv64 G8 T64 causal': { sequence: 'rows' } };
  const tables = Object.keys(adapters).map((key) => [key, { matmul: {}, attention }]);
  await finished(store.put({ version, adapters: Object.fromEntries(tables) }, 'cache'));
  database.close();
}

describe('kernels page', () => {
  it('shows stored results and the paper before anything is measured [browser]', async () => {
    const { page, errors } = await site.open('#/kernels');
    const row = page.locator('.bench-table tr', { hasText: 'T=65536 H=64 Hkv=8 D=64 S=64' }).first();
    await row.waitFor();
    const stored = JSON.parse(readFileSync(new URL('../../../benchmarks/moda-h100.json', import.meta.url), 'utf8'));
    const [result] = readBenchResults(stored);
    const expected = result.rows.find(({ name }) => name === 'T=65536 H=64 Hkv=8 D=64 S=64 f16')!;
    expect(await row.textContent()).toContain(`${(expected.total!.medianMs / 1000).toPrecision(3)} s`);
    expect(await row.textContent()).toContain(`${(TABLE_2[4].modaMs / 1000).toPrecision(3)} s`);
    for (const title of ['Time against T', 'against T, %', 'against G, %', 'against L, %', 'Roofline'])
      expect([title, await page.locator('.curve-chart', { hasText: title }).count()]).toEqual([title, 1]);
    await page.click('role=tab[name="Matrix products"]');
    await page.waitForSelector('.bench-table tr:has-text("4096 x 4096 x 4096")');
    await page.click('role=tab[name="Attention"]');
    await page.waitForSelector('.bench-table tr:has-text("T=16384")');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('measures MoDA on the WebAssembly device and fills its table; the download is a result [browser] [cpu]', async () => {
    const { page, errors } = await site.open('#/kernels');
    await measure(page, 'MoDA, Table 2', 'cpu');
    await page.waitForSelector('[data-phase=finished]', { timeout: 120_000 });
    const result = await downloaded(page);
    expect(result.rows.length).toBeGreaterThan(10);
    expect(result.rows.filter(({ status }) => status !== 'measured')).toEqual([]);
    expect(result.rows.some(({ extraTime }) => extraTime !== undefined)).toBe(true);
    for (const { errors: off, tolerance } of result.rows)
      expect(Math.max(...Object.values(off))).toBeLessThanOrEqual(tolerance);
    expect(await page.locator('.bench-table td:nth-child(2) b').count()).toBeGreaterThanOrEqual(6);

    // Another visitor drops the file in.
    const other = await site.open('#/kernels');
    await other.page.waitForSelector('.bench-table');
    await other.page.setInputFiles('.bench-files input', {
      name: 'theirs.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(result)),
    });
    await other.page.waitForSelector('.bench-sources button[title^="theirs.json"]');
    await other.page.setInputFiles('.bench-files input', {
      name: 'wrong.json',
      mimeType: 'application/json',
      buffer: Buffer.from('{"a":1}'),
    });
    await other.page.waitForSelector('.failure:has-text("wrong.json")');
    expect([...errors, ...other.errors]).toEqual([]);
    await Promise.all([page.close(), other.page.close()]);
  });

  it('cancels, and goes on while another page is shown [browser] [cpu]', async () => {
    const { page, errors } = await site.open('#/kernels');
    await measure(page, 'Attention', 'cpu');
    await page.evaluate(() => {
      location.hash = '#/runs';
    });
    await page.waitForSelector('.runs');
    await page.evaluate(() => {
      location.hash = '#/kernels';
    });
    await page.waitForSelector('[data-phase=finished]', { timeout: 60_000 });
    await page.selectOption('select[name=scale]', 'fit');
    await page.selectOption('select[name=device]', 'cpu');
    await page.click('text=Measure on this device');
    await page.click('text=Cancel');
    await page.waitForSelector('[data-phase=cancelled]', { timeout: 20_000 });
    expect(errors).toEqual([]);
    await page.close();
  });

  it.each([
    ['cpu', 'WebAssembly'],
    ['webgpu', 'WebGPU'],
  ] as const)('measures products on %s beside the peers, all right against f64 [browser]', async (device, backend) => {
    const { page, errors } = await site.open('#/kernels');
    await measure(page, 'Matrix products', device, ['jax-js', 'TensorFlow.js', 'onnxruntime-web']);
    await page.waitForSelector('[data-phase=finished]', { timeout: 170_000 });
    const { rows } = await downloaded(page);
    for (const peer of ['jax-js', 'TensorFlow.js', 'onnxruntime-web']) {
      const own = rows.filter(({ library }) => library.startsWith(peer));
      expect([peer, own.map(({ status, reason }) => reason ?? status)]).toEqual([peer, ['measured', 'measured']]);
      for (const { library, errors: off, tolerance, job } of own) {
        expect(library).toContain(backend);
        expect(off['out']).toBeLessThanOrEqual(tolerance);
        expect(rows.some((row) => row.library === 'modajs' && row.job?.id === job?.id)).toBe(true);
      }
    }
    await page.waitForSelector('.bench-table th:has-text("onnxruntime-web")');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('measures attention forward beside the peers that have it [browser] [cpu]', async () => {
    const { page, errors } = await site.open('#/kernels');
    await measure(page, 'Attention', 'cpu', ['jax-js', 'TensorFlow.js']);
    await page.waitForSelector('[data-phase=finished]', { timeout: 120_000 });
    const { rows } = await downloaded(page);
    const peers = rows.filter(({ library }) => library !== 'modajs');
    expect(peers.length).toBeGreaterThanOrEqual(2);
    expect(peers.map(({ status, reason }) => reason ?? status)).toEqual(peers.map(() => 'measured'));
    // One line holds all of them: our own forward part beside theirs.
    const line = page.locator('.bench-table tr', { hasText: 'forward' }).first();
    expect(await line.locator('td b').count()).toBeGreaterThanOrEqual(3);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('tunes, runs a benchmark tuned, keeps the table over a reload, and forgets it [browser] [webgpu]', async () => {
    const { page, errors } = await site.open('#/kernels');
    await page.click('role=tab[name="Attention"]');
    await page.selectOption('select[name=scale]', 'smoke');
    await page.selectOption('select[name=device]', 'webgpu');
    const state = page.locator('#bench-tuning-state');
    await page.waitForSelector('#bench-tuning-state:has-text("No tuned kernels for this adapter yet")');
    expect(await page.isDisabled('role=button[name="Tuned kernels"]')).toBe(true);
    await page.click('role=button[name="Tune"s]');
    await page.waitForSelector('[data-tuning=finished]', { timeout: 60_000 });
    expect(await state.textContent()).toMatch(/\d of \d classe?s? of shapes beats? the default|fastest in \d class/);

    // Which kernel is faster on a software adapter is a matter of luck: the table gets one for this class in any case.
    await page.evaluate(keepRowsKernel);
    await page.reload();
    await page.selectOption('select[name=scale]', 'smoke');
    await page.click('role=tab[name="Attention"]');
    await page.waitForSelector('#bench-tuning-state:has-text("Tuned kernels for 1 class of shapes are kept")');
    await page.selectOption('select[name=device]', 'cpu');
    expect(await state.textContent()).toContain('choose WebGPU');
    await page.selectOption('select[name=device]', 'webgpu');
    await page.click('role=button[name="Tuned kernels"]');
    await page.click('text=Measure on this device');
    await page.waitForSelector('[data-phase=finished]', { timeout: 60_000 });
    const { rows } = await downloaded(page);
    expect(rows.map(({ status, reason }) => reason ?? status)).toEqual(rows.map(() => 'measured'));
    for (const { id, isTuned } of rows) expect([id, isTuned]).toEqual([id, id.endsWith('/default')]);
    expect(await page.locator('.bench-table td', { hasText: '· tuned' }).count()).toBeGreaterThan(0);
    expect(await page.locator('.bench-table td', { hasText: '· not tuned' }).count()).toBeGreaterThan(0);

    expect(await axeProblems(page)).toEqual([]);
    await page.click('role=button[name="Forget"]');
    await page.waitForSelector('#bench-tuning-state:has-text("No tuned kernels for this adapter yet")');
    expect(await page.locator('role=button[name="Forget"]').count()).toBe(0);
    expect(await page.getAttribute('role=button[name="Tuned kernels"]', 'aria-pressed')).toBe('false');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('cancels tuning, and a benchmark can run again [browser] [webgpu]', async () => {
    const { page, errors } = await site.open('#/kernels');
    await page.click('role=tab[name="Matrix products"]');
    await page.selectOption('select[name=scale]', 'smoke');
    await page.click('role=button[name="Tune"s]');
    await page.waitForSelector('#bench-tuning-state:has-text("candidates, now")');
    expect(await page.isDisabled('text=Measure on this device')).toBe(true);
    await page.click('text=Cancel tuning');
    await page.waitForSelector('[data-tuning=cancelled]', { timeout: 20_000 });
    expect(await page.textContent('#bench-tuning-state')).toMatch(/^Cancelled\. /);
    expect(await page.isDisabled('text=Measure on this device')).toBe(false);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('says in a sentence that kernels cannot be tuned without WebGPU [browser]', async () => {
    const { page, errors } = await site.open('#/kernels');
    await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }));
    await page.reload();
    await page.waitForSelector('#bench-tuning-state:has-text("tuned on WebGPU, and this browser has no WebGPU.")');
    for (const name of ['Tune', 'Tuned kernels'])
      expect([name, await page.isDisabled(`role=button[name="${name}"s]`)]).toEqual([name, true]);
    expect(errors).toEqual([]);
    await page.close();
  });
});
