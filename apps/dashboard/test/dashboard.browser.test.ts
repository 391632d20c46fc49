import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchBrowser, serveFolder } from '@modajs/browser';
import { strFromU8, unzipSync } from 'fflate';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Enough English to learn from, made here: sentences over a small vocabulary. */
function sentences(count: number): string {
  const pick = (words: readonly string[], i: number): string => words[(i * 7 + (i >> 3)) % words.length];
  const nouns = ['whale', 'ship', 'captain', 'sea', 'harpoon', 'wind', 'sailor'];
  const verbs = ['sees', 'hunts', 'follows', 'fears', 'loves'];
  return Array.from(
    { length: count },
    (_, i) => `The ${pick(nouns, i)} ${pick(verbs, i + 3)} the ${pick(nouns, i + 5)}.`,
  ).join(' ');
}

const root = new URL('..', import.meta.url).pathname;
const outDir = mkdtempSync(join(tmpdir(), 'moda-dashboard-'));
let server: Awaited<ReturnType<typeof serveFolder>>;
let browser: Awaited<ReturnType<typeof launchBrowser>>;

beforeAll(async () => {
  await build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true } });
  server = await serveFolder(outDir);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  rmSync(outDir, { recursive: true, force: true });
});

/** A page that fails the test on any console error. */
async function open(hash: string) {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(`${server.url}/${hash}`);
  return { page, errors };
}

describe('dashboard', () => {
  /** Trains in the page to the end and returns the page and the losses of the exported MoDA run. */
  async function train(device: string, steps: number) {
    const { page, errors } = await open('#/train');
    await page.fill('textarea', sentences(400));
    await page.fill('input[type=number]', String(steps));
    await page.selectOption('select', device);
    await page.click('text=Start');
    await page.waitForSelector('[data-phase=finished]', { timeout: 240_000 });
    const [file] = await Promise.all([page.waitForEvent('download'), page.click('text=Export MoDA')]);
    const files = unzipSync(new Uint8Array(readFileSync(await file.path())));
    const rows = strFromU8(files['metrics.jsonl']).trim().split('\n');
    return { page, errors, files, losses: rows.map((line): number => JSON.parse(line).loss) };
  }

  it('trains MoDA and its baseline 20 steps, the loss falls, the models answer [browser]', async () => {
    const { page, errors, files, losses } = await train('cpu', 20);
    expect(await page.textContent('[role=status]')).toMatch(/finished, step 20 on .*MoDA [\d,]+ parameters, baseline/);
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]);
    expect(Object.keys(files)).toEqual(expect.arrayContaining(['config.json', 'tokenizer.json', 'metrics.jsonl']));
    await page.click('text=MoDA continues');
    await page.waitForFunction(() => (document.querySelector('.sample blockquote')?.textContent ?? '').length > 20);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('trains on WebGPU in the page as on WebAssembly [browser] [webgpu]', async () => {
    const [onGpu, onCpu] = [await train('webgpu', 2), await train('cpu', 2)];
    expect(onGpu.losses).toHaveLength(2);
    onGpu.losses.forEach((loss, i) => expect(Math.abs(loss - onCpu.losses[i])).toBeLessThan(1e-3));
    expect(onGpu.errors).toEqual([]);
    await Promise.all([onGpu.page.close(), onCpu.page.close()]);
  }, 300_000);
});
