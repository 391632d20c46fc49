import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAGES } from '../src/shell/pages.ts';
import { fillPage } from './fill-page.ts';
import { type DashboardUnderTest, openDashboard, type Page } from './open-dashboard.ts';

const SCREENSHOTS = new URL('../.screenshots/', import.meta.url).pathname;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

let dashboard: DashboardUnderTest;
beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  dashboard = await openDashboard();
});
afterAll(() => dashboard?.close());

/** Shows all of a page once: charts draw when they come near the screen. */
async function scrollThrough(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 500) {
      scrollTo(0, y);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    scrollTo(0, 0);
  });
  await page.waitForTimeout(150);
}

/** Serious and critical problems that axe finds, each with where it is. */
async function problems(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`));
}

describe.each(PAGES.map(({ path, title }) => ({ path, title })))('page $path', ({ path, title }) => {
  it('is readable in both themes, at a desktop’s and a phone’s width [browser]', async () => {
    const { page, errors } = await dashboard.open(`#/${path}`, { colorScheme: 'light' });
    await page.waitForSelector('main h1');
    expect(await page.title()).toContain(title);
    await fillPage(path, page);
    for (const theme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: theme as 'light' | 'dark' });
      for (const [size, viewport] of Object.entries(SIZES)) {
        await page.setViewportSize(viewport);
        await scrollThrough(page);
        await page.screenshot({ path: `${SCREENSHOTS}${path}-${theme}-${size}.png`, fullPage: true });
        expect(await problems(page), `${theme} ${size}`).toEqual([]);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(overflow, `${theme} ${size}: the page must not scroll sideways`).toBeLessThanOrEqual(0);
      }
    }
    expect(errors).toEqual([]);
    await page.close();
  });
});
