import { init } from '@modajs/tensor';
import { jsonFile, perplexityReport, taskResults } from './evaluation-data.ts';
import type { Page } from './open-dashboard.ts';
import { realisticMetrics } from './realistic-run.ts';
import { smallRun } from './small-run.ts';

/** Brings a page from empty to full of data, as a visitor would; pages without an entry are looked at as they open. */
const FILL: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  async home(page) {
    await page.waitForSelector('.depth-figure[aria-busy=false]');
    await page.waitForSelector('.says[data-reads-slots=true]');
    await page.click('.depth-figure button:has-text("Pause")');
  },
  async kernels(page) {
    await page.selectOption('select[name=scale]', 'smoke');
    await page.selectOption('select[name=device]', 'cpu');
    await page.click('text=Measure on this device');
    await page.waitForSelector('[data-phase=finished]', { timeout: 120_000 });
  },
  async runs(page) {
    const run = (name: string, seed: number, depth: 'moda' | 'residual') => ({
      name,
      mimeType: 'text/plain',
      buffer: Buffer.from(realisticMetrics({ seed, rows: 3000, depth })),
    });
    await page.setInputFiles('input[type=file] >> nth=0', [
      run('moda-24.jsonl', 1, 'moda'),
      run('moda-48.jsonl', 2, 'moda'),
      run('olmo2-24.jsonl', 3, 'residual'),
    ]);
    await page.waitForSelector('.curve-chart [data-drawn="3"]');
    await page.locator('input[type=range]').fill('0.8');
  },
  async evaluation(page) {
    await page.setInputFiles('input[type=file]', [
      jsonFile('olmo2.json', await taskResults('olmo2', (i) => i % 2 === 0)),
      jsonFile('moda.json', await taskResults('moda', (i) => i % 2 === 0 || i % 30 === 1)),
      jsonFile('olmo2-texts.json', await perplexityReport('olmo2', (n) => 1.2 + (n % 7) / 10)),
      jsonFile('moda-texts.json', await perplexityReport('moda', (n) => 1.18 + (n % 7) / 10)),
    ]);
    await page.waitForFunction(() => document.querySelectorAll('.difference.significant').length >= 2);
  },
  async attention(page) {
    const device = await init({ device: 'cpu', threads: 1 });
    const run = await smallRun(device, 60);
    await page.setInputFiles('input[type=file]', [
      { name: 'whales.zip', mimeType: 'application/zip', buffer: Buffer.from(run.zip()) },
    ]);
    device.destroy();
    await page.waitForSelector('.matrices canvas');
    await page.fill('.prompt input', 'The whale follows the captain. The ship sees the sailor.');
    await page.click('text=Look');
    await page.waitForSelector('.prompt button:not(:disabled)');
    await page.focus('.heatmap canvas');
    for (const key of ['ArrowDown', 'PageDown', 'End']) await page.keyboard.press(key);
  },
  async train(page) {
    await page.click('text=Take Moby Dick');
    await page.fill('label:has-text("Steps") input', '40');
    await page.selectOption('label:has-text("Device") select', 'cpu');
    await page.click('text=Start');
    await page.waitForSelector('[data-phase=finished]');
    await page.fill('label:has-text("Your words") input', 'The whale ');
    await page.click('text=Ask both');
    await page.waitForFunction(() => document.querySelectorAll('.turn [aria-busy=false]').length === 2);
    // The lesson's guide stands above its pages: it is looked at with one of them.
    await page.evaluate(() => {
      location.hash = '#/train?lesson=compare';
    });
    await page.waitForSelector('.lesson b');
  },
};

/** Fills a page with data. */
export async function fillPage(path: string, page: Page): Promise<void> {
  await FILL[path]?.(page);
}
