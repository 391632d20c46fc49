import { mkdirSync } from 'node:fs';
import { axeProblems } from '@modajs/browser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAGES } from '../src/shell/pages.ts';
import { fillPage } from './fill-page.ts';
import { type DashboardUnderTest, openDashboard, type Page } from './open-dashboard.ts';

const SCREENSHOTS = new URL('../.screenshots/', import.meta.url).pathname;
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
        expect(await axeProblems(page), `${theme} ${size}`).toEqual([]);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(overflow, `${theme} ${size}: the page must not scroll sideways`).toBeLessThanOrEqual(0);
      }
    }
    expect(errors).toEqual([]);
    await page.close();
  });
});
