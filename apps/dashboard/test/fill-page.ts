import { jsonFile, perplexityReport, taskResults } from './evaluation-data.ts';
import type { Page } from './open-dashboard.ts';

/** Brings a page from empty to full of data, as a visitor would; pages without an entry are looked at as they open. */
const FILL: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  async evaluation(page) {
    await page.setInputFiles('input[type=file]', [
      jsonFile('olmo2.json', await taskResults('olmo2', (i) => i % 2 === 0)),
      jsonFile('moda.json', await taskResults('moda', (i) => i % 2 === 0 || i % 30 === 1)),
      jsonFile('olmo2-texts.json', await perplexityReport('olmo2', (n) => 1.2 + (n % 7) / 10)),
      jsonFile('moda-texts.json', await perplexityReport('moda', (n) => 1.18 + (n % 7) / 10)),
    ]);
    await page.waitForFunction(() => document.querySelectorAll('.difference.significant').length >= 2);
  },
};

/** Fills a page with data. */
export async function fillPage(path: string, page: Page): Promise<void> {
  await FILL[path]?.(page);
}
