import { axeProblems } from '@modajs/browser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSite } from './open-site.ts';
import { programsOf } from './programs.ts';

let site: Awaited<ReturnType<typeof openSite>>;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

const TOUR = 'ten-minutes.html';

describe('documentation site', () => {
  it('runs every program of the tour in the page, and what the reader makes of it [browser]', async () => {
    const page = await site.open(TOUR);
    const programs = programsOf('docs/ten-minutes.md');
    expect(await page.locator('.runnable-code').count()).toBe(programs.length);
    for (const [i, { printed }] of programs.entries()) {
      const block = page.locator('.runnable-code').nth(i);
      await block.getByText('Run', { exact: true }).click();
      await block.locator('.output[data-running=false] span').first().waitFor({ timeout: 120_000 });
      // Without isolation a warning says that one thread computes.
      const lines = await block.locator('.output .line, .output .error').allTextContents();
      expect(lines.join(''), `program ${i + 1}`).toBe(printed);
    }
    const block = page.locator('.runnable-code').first();
    const output = block.locator('.output[data-running=false] span');
    const original = await block.locator('textarea').inputValue();
    for (const [code, printed] of [
      ['console.log([1, 2], { a: 3 }, 4)', '[1,2] {"a":3} 4\n'],
      ["import { zeros } from '@modajs/tensor';\nzeros([2]);", /there must be a device/],
      ['const const', /SyntaxError/],
    ] as const) {
      await block.locator('textarea').fill(code);
      await block.getByText('Run', { exact: true }).click();
      await output.first().waitFor({ timeout: 60_000 });
      expect(await block.locator('.output').textContent()).toMatch(printed);
    }
    await block.getByText('Reset').click();
    expect(await block.locator('textarea').inputValue()).toBe(original);

    // Links stay right after moving between folders, and the search finds text.
    await page.locator('.VPSidebar a', { hasText: 'Use one package alone' }).first().click();
    await page.waitForURL('**/dist/guides/one-package.html');
    await page.locator('.VPSidebar a', { hasText: 'Glossary' }).first().click();
    await page.waitForURL('**/dist/glossary.html');
    await page.locator('.VPNavBarSearchButton, .DocSearch-Button').first().click();
    await page.locator('.VPLocalSearchBox input').fill('depth mass');
    await page.locator('.VPLocalSearchBox .result').first().waitFor();
    await page.close();
  });

  it.each(['index.html', TOUR, 'packages/tensor.html', 'benchmarks/index.html', 'settings.html'])(
    '%s has no serious finding of axe and does not scroll sideways, on a phone in the light and a desk in the dark [browser]',
    async (path) => {
      const page = await site.open(path);
      for (const [width, colorScheme] of [
        [1280, 'dark'],
        [390, 'light'],
      ] as const) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        expect(await axeProblems(page), `${width} px, ${colorScheme}`).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      }
      await page.close();
    },
  );

  it('complains of nothing in the console [browser]', () => {
    expect(site.errors).toEqual([]);
  });
});
