import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { launchBrowser } from '@modajs/browser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAGES } from '../src/shell/pages.ts';
import { type DashboardUnderTest, openDashboard, openPage, type Page } from './open-dashboard.ts';
import { sentences } from './sentences.ts';

let dashboard: DashboardUnderTest;
beforeAll(async () => {
  dashboard = await openDashboard();
});
afterAll(() => dashboard?.close());

const backgroundOf = (page: Page): Promise<string> =>
  page.evaluate(() => getComputedStyle(document.body).backgroundColor);

describe('shell', () => {
  it('loads less than 300 kB before data and models, whichever page comes first; the first page 200 kB, its model too [browser]', async () => {
    for (const { path } of PAGES) {
      const { page, requests } = await dashboard.open(`#/${path}`);
      await page.waitForSelector('main h1');
      if (path === 'home') await page.waitForSelector('.depth-figure[aria-busy=false]');
      await page.waitForLoadState('networkidle');
      const files = new Set(requests.map((name) => (name === '/' ? '/index.html' : name)));
      const bytes = [...files].reduce(
        (sum, file) => sum + gzipSync(readFileSync(join(dashboard.site, file))).length,
        0,
      );
      expect(bytes, path).toBeGreaterThan(5_000);
      expect(bytes, path).toBeLessThan(path === 'home' ? 200_000 : 300_000);
      await page.close();
    }
  });

  it('shows a model of its own on the first page, and says what a word means under the pointer and the focus [browser]', async () => {
    const { page, errors } = await dashboard.open('', { reducedMotion: 'reduce' });
    await page.waitForSelector('.depth-figure[aria-busy=false]');
    // Still for whoever asked for no motion: it moves block by block, when told to.
    const says = async (): Promise<string> => (await page.textContent('.says')) ?? '';
    const seen: string[] = [];
    for (let block = 0; block < 6; block++) {
      seen.push(await says());
      await page.click('text=Next block');
      await page.waitForFunction((before) => document.querySelector('.says')?.textContent !== before, seen.at(-1));
    }
    expect(seen.map((sentence) => /^Block (\d)/.exec(sentence)?.[1])).toEqual(['5', '0', '1', '2', '3', '4']);
    const masses = /Depth mass: (.*)\./.exec(
      (await page.getAttribute('svg[aria-label*=MoDA]', 'aria-label')) ?? '',
    )?.[1];
    expect(masses?.split(', ').map((mass) => /^block \d (\d+) %$/.exec(mass)?.[1])[0]).toBe('0');
    expect(await page.locator('.depth-figure button', { hasText: 'Play' }).count()).toBe(1);

    const note = page.locator('.term-note');
    const meaning = "The sum of a query's softmax probabilities on slots, between 0 and 1.";
    await page.hover('button.term:text-is("depth mass")');
    expect(await note.textContent()).toBe(meaning);
    await page.mouse.move(2, 2);
    await note.waitFor({ state: 'detached' });
    await page.focus('button.term:text-is("depth mass")');
    expect(await note.textContent()).toBe(meaning);
    await page.keyboard.press('Escape');
    await note.waitFor({ state: 'detached' });
    expect(await page.textContent('.claims')).toMatch(/3\.7 % more.*97\.3 %.*FlashAttention-2/s);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('follows the system’s theme until one is chosen, and remembers the choice [browser]', async () => {
    const { page, errors } = await dashboard.open('', { colorScheme: 'dark' });
    await page.waitForSelector('main h1');
    const dark = await backgroundOf(page);
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await backgroundOf(page);
    expect(light).not.toBe(dark);
    await page.click('[aria-label="Switch to the dark theme"]');
    expect(await backgroundOf(page)).toBe(dark);
    await page.reload();
    await page.waitForSelector('[aria-label="Switch to the light theme"]');
    expect(await backgroundOf(page)).toBe(dark);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('is reached by keyboard: everything that can be used takes the focus and shows it [browser]', async () => {
    for (const { path } of PAGES) {
      const { page } = await dashboard.open(`#/${path}`);
      await page.waitForSelector('main h1');
      // What a page fetches after its heading brings controls of its own: they are walked through too.
      await page.waitForLoadState('networkidle');
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the page');
      await page.evaluate(() => {
        const usable = 'a[href], button, input, select, textarea, [tabindex="0"]';
        for (const element of document.querySelectorAll<HTMLElement>(usable))
          if (!element.matches(':disabled') && element.checkVisibility()) element.dataset.usable = '';
      });
      const unseen: string[] = [];
      for (let presses = 0; presses < 300; presses++) {
        const where = await page.evaluate(() => {
          const element = document.activeElement as HTMLElement;
          const isLast = element === document.body || 'visited' in element.dataset;
          element.dataset.visited = '';
          delete element.dataset.usable;
          const shown = element.closest('.button') ?? element;
          const isSeen =
            getComputedStyle(shown).outlineStyle !== 'none' || getComputedStyle(element).outlineStyle !== 'none';
          return { isLast, isSeen, name: element.outerHTML.slice(0, 120) };
        });
        if (where.isLast) break;
        if (!where.isSeen) unseen.push(where.name);
        await page.keyboard.press('Tab');
      }
      expect(unseen, path).toEqual([]);
      const missed = await page.evaluate(() =>
        Array.from(document.querySelectorAll('[data-usable]'), (element) => element.outerHTML.slice(0, 120)),
      );
      expect(missed, path).toEqual([]);
      await page.close();
    }
  });

  it('computes without WebGPU and without threads where a page is served over plain http, and says so [browser]', async () => {
    // Only a loopback address is a secure context without https: under another name the browser has neither.
    const browser = await launchBrowser({ args: ['--host-resolver-rules=MAP dashboard.test 127.0.0.1'] });
    const { port } = new URL(dashboard.url);
    const { page, errors } = await openPage(browser, `http://dashboard.test:${port}/#/train`);
    await page.waitForSelector('.fallback');
    expect(await page.textContent('.fallback')).toContain('WebAssembly on one thread: this browser has no WebGPU');
    await page.fill('textarea', sentences(200));
    await page.fill('label:has-text("Steps") input', '2');
    await page.click('text=Start');
    await page.waitForSelector('[data-phase=finished], [data-phase=failed]');
    expect(await page.textContent('[data-phase] h2')).toBe('Finished, step 2 of 2');
    expect(await page.textContent('[data-phase] .note')).toMatch(/^cpu \(WebAssembly.*/);
    // The browser's own remark on the plain http that this test is about.
    expect(errors.filter((message) => !message.includes('Cross-Origin-Opener-Policy'))).toEqual([]);
    await browser.close();
  });
});
