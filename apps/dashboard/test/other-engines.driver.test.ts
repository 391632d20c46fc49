import { mkdirSync, writeFileSync } from 'node:fs';
import { type DrivenBrowser, driveBrowser, serveFolder } from '@modajs/browser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSite } from './open-dashboard.ts';
import { sentences } from './sentences.ts';

const SCREENSHOTS = new URL('../.screenshots/', import.meta.url).pathname;
const PATIENCE_MS = 120_000;
const STEPS = 3;

let site: string;
beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  site = await buildSite();
});

/** Runs a script until it returns something. */
async function found<T>(browser: DrivenBrowser, script: string): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await browser.run(script);
    if (value) return value as T;
    if (Date.now() > deadline)
      throw new Error(
        `nothing came of ${script}; the page says: ${await browser.run('return document.body.innerText')}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const click = (browser: DrivenBrowser, text: string): Promise<unknown> =>
  found(
    browser,
    `const button = [...document.querySelectorAll('button, a')].find((one) => one.textContent.trim() === ${JSON.stringify(text)} && !one.disabled);
     button?.click(); return button !== undefined;`,
  );

/** Types as a visitor does: the framework hears of it by the event. */
const fill = (browser: DrivenBrowser, selector: string, value: string): Promise<unknown> =>
  found(
    browser,
    `const field = document.querySelector(${JSON.stringify(selector)});
     if (field === null) return false;
     field.value = ${JSON.stringify(value)};
     field.dispatchEvent(new Event(field.matches('select') ? 'change' : 'input', { bubbles: true }));
     return true;`,
  );

describe.each(['firefox', 'webkit'] as const)('%s', (name) => {
  let browser: DrivenBrowser;
  beforeAll(async () => {
    browser = await driveBrowser(name);
  });
  afterAll(() => browser?.close());

  it.each([true, false])('trains, answers, and shows depth attention; isolated: %s [browser]', async (isolated) => {
    const server = await serveFolder(site, { isolated });
    try {
      await browser.open(`${server.url}/#/train`);
      expect(await browser.run('return crossOriginIsolated')).toBe(isolated);
      await fill(browser, 'textarea', sentences(400));
      await fill(browser, '.settings input[type=number]', String(STEPS));
      await fill(browser, '.settings label:has(option[value=cpu]) select', 'cpu');
      await click(browser, 'Start');
      const end = await found<string>(
        browser,
        `return document.querySelector('[data-phase=finished], [data-phase=failed]')?.textContent`,
      );
      expect(end).toMatch(new RegExp(`^Finished, step ${STEPS} of ${STEPS}`));
      await click(browser, 'Ask both');
      const answers = await found<string[]>(
        browser,
        `const done = [...document.querySelectorAll('.turn [aria-busy=false] blockquote')].map((one) => one.textContent);
         return done.length === 2 && done;`,
      );
      for (const answer of answers) expect(answer).not.toBe('');
      await click(browser, 'See where MoDA looks');
      await found(browser, `return document.querySelector('.matrices canvas') !== null`);
      expect(await browser.run(`return document.querySelector('main .note').textContent`)).toMatch(
        /^MoDA, trained in this page: moda, 4 layers/,
      );
      expect(await browser.run(`return document.querySelector('[role=alert]')?.textContent ?? null`)).toBeNull();
      writeFileSync(`${SCREENSHOTS}${name}-${isolated ? 'isolated' : 'plain'}.png`, await browser.screenshot());
    } finally {
      await server.close();
    }
  });
});
