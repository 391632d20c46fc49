import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Page } from './open-dashboard.ts';
import { realisticRun } from './realistic-run.ts';
import { metricsText } from './served-folder.ts';
import { type ServedSite, serveSite } from './served-site.ts';

let site: ServedSite;
beforeAll(async () => {
  site = await serveSite();
});
afterAll(() => site?.close());
beforeEach(() => {
  rmSync(site.runs, { recursive: true, force: true });
  mkdirSync(site.runs);
});

const metricsOf = (run: string): string => join(site.runs, run, 'metrics.jsonl');
const rowText = (page: Page, run: string): Promise<string | null> =>
  page.locator('.run-row', { hasText: run }).textContent();
const drawn = (page: Page, title: string) =>
  page.locator('.curve-chart', { hasText: title }).locator('[data-drawn]').getAttribute('data-drawn');

describe('runs page', () => {
  it('draws a dropped metrics file and names its damaged lines [browser]', async () => {
    const { page, errors } = await site.dashboard.open('#/runs');
    await page.waitForSelector('text=No run yet');
    const rows = Array.from({ length: 50 }, (_, i) => JSON.stringify({ step: i + 1, loss: 5 / (i + 1) }));
    await page.setInputFiles('input[type=file] >> nth=0', {
      name: 'mine.jsonl',
      mimeType: 'text/plain',
      buffer: Buffer.from([...rows, 'broken', ''].join('\n')),
    });
    await page.waitForSelector('.uplot canvas');
    expect(await rowText(page, 'mine')).toContain('step 50 · loss 0.1 · 1 damaged line left out');
    expect(await page.locator('.curve-chart').count()).toBe(1);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('shows served runs: curves, settings that differ, samples, and a zoom down to single rows [browser]', async () => {
    realisticRun(site.runs, { name: 'moda', seed: 1, rows: 40_000, depth: 'moda' });
    realisticRun(site.runs, { name: 'baseline', seed: 2, rows: 40_000, depth: 'residual' });
    const { page, errors } = await site.open('#/runs');
    await page.waitForSelector('.connection.is-live');
    await page.waitForSelector('.curve-chart [data-drawn="2"]');
    expect(await drawn(page, 'Training loss')).toBe('2');
    expect(await page.locator('.curve-chart', { hasText: 'depth slots' }).count()).toBe(1);
    await page.click('text=Settings that differ');
    await page.waitForSelector('th:has-text("model.depth")');
    expect(await page.textContent('tr:has-text("model.depth")')).toMatch(/moda.*residual|residual.*moda/);
    await page.click('summary:has-text("Samples")');
    await page.waitForSelector('.samples blockquote:has-text("Call me")');
    await page.waitForFunction(() => document.querySelector('.sampled')?.textContent === '');
    const answers = page.waitForRequest((request) => request.url().includes('from='));
    await page.locator('.curve-chart .u-over').first().scrollIntoViewIfNeeded();
    const plot = (await page.locator('.curve-chart .u-over').first().boundingBox())!;
    await page.mouse.move(plot.x + plot.width * 0.5, plot.y + 50);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.54, plot.y + 60, { steps: 4 });
    await page.mouse.up();
    const zoomed = (await (await fetch((await answers).url())).text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(zoomed).toHaveLength(2);
    for (const { detail, rows, step } of zoomed) {
      expect([detail, rows]).toEqual(['exact', step.length]);
      expect(step.every((at: number, i: number) => i === 0 || at === step[i - 1] + 1)).toBe(true);
    }
    await page.click('text=Show all');
    await page.getByRole('radio', { name: 'Tokens' }).check();
    await page.getByRole('radio', { name: 'Time' }).check();
    await page.waitForSelector('.curve-chart [aria-label*="against training time"]');
    await page.locator('input[type=range]').fill('0.9');
    await page.click('text=Logarithmic');
    await page.locator('.run-row', { hasText: 'baseline' }).getByRole('checkbox').uncheck();
    await page.waitForSelector('.curve-chart [data-drawn="1"]');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('follows a run while it grows, through a half-written line, a restart of the server and its deletion [browser]', async () => {
    mkdirSync(join(site.runs, 'live'));
    writeFileSync(metricsOf('live'), metricsText(1, 20));
    const { page, errors } = await site.open('#/runs');
    const at = (step: number): Promise<unknown> =>
      page.waitForFunction((text) => document.querySelector('.run-row')?.textContent?.includes(text), `step ${step} `);
    await at(20);
    appendFileSync(metricsOf('live'), `${metricsText(21, 30)}{"step":31,"lo`);
    await at(30);
    appendFileSync(metricsOf('live'), 'ss":1}\nbroken\n');
    await at(31);
    expect(await rowText(page, 'live')).toContain('1 damaged line left out');
    expect(errors).toEqual([]);
    await site.restart(() => appendFileSync(metricsOf('live'), metricsText(32, 40)));
    await at(40);
    writeFileSync(metricsOf('live'), metricsText(1, 12));
    await at(12);
    rmSync(join(site.runs, 'live'), { recursive: true });
    await page.waitForSelector('text=live was removed from the runs folder');
    await page.waitForSelector('text=No run yet');
    // The browser names the connection that broke; nothing else may be wrong.
    expect(errors.filter((text) => !text.includes('ERR_'))).toEqual([]);
    await page.close();
  });
});
