import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildModa } from './moda-cli.ts';
import { type DashboardUnderTest, type OpenPage, openDashboard, type Page } from './open-dashboard.ts';
import { sentences } from './sentences.ts';

let dashboard: DashboardUnderTest;
beforeAll(async () => {
  dashboard = await openDashboard();
});
afterAll(() => dashboard?.close());

async function start(device: string, steps: number): Promise<OpenPage> {
  const opened = await dashboard.open('#/train');
  const { page } = opened;
  await page.fill('textarea', sentences(400));
  await page.fill('label:has-text("Steps") input', String(steps));
  await page.selectOption('label:has-text("Device") select', device);
  await page.click('text=Start');
  return opened;
}

/** The exported run folder, and the losses in it. */
async function exported(page: Page) {
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('text=Export MoDA')]);
  const files = unzipSync(new Uint8Array(readFileSync(await file.path())));
  const rows = strFromU8(files['metrics.jsonl']).trim().split('\n');
  return { files, losses: rows.map((line): number => JSON.parse(line).loss).filter(Number.isFinite) };
}

describe('train page', () => {
  it('trains MoDA and its baseline 20 steps, the loss falls, moda generate continues as the page does [browser]', async () => {
    const { page, errors } = await start('cpu', 20);
    await page.waitForSelector('[data-phase=finished]', { timeout: 120_000 });
    const numbers = await page.locator('[data-phase] tbody tr').allTextContents();
    expect(numbers).toEqual([expect.stringMatching(/^MoDA[\d,]+\d\.\d{3}/), expect.stringMatching(/^Baseline[\d,]+/)]);
    expect(await page.locator('.sample blockquote').first().textContent()).toMatch(/^The .{10,}/);
    const { files, losses } = await exported(page);
    expect(losses).toHaveLength(20);
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]);

    await page.fill('label:has-text("Your words") input', 'The whale');
    await page.fill('label:has-text("Temperature") input', '0');
    await page.click('text=Ask both');
    await page.waitForSelector('.turn [data-variant=moda][aria-busy=false]');
    const answer = await page.textContent('.turn [data-variant=moda] blockquote');
    const folder = mkdtempSync(join(tmpdir(), 'moda-export-'));
    for (const [path, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }
    const moda = await buildModa();
    const args = ['--prompt', 'The whale', '--temperature', '0', '--max-new-tokens', '120', '--device', 'cpu'];
    expect(await moda(['generate', folder, ...args])).toBe(`The whale${answer}\n`);
    rmSync(folder, { recursive: true, force: true });

    await page.waitForSelector('.turn [data-variant=baseline][aria-busy=false]');
    await page.fill('label:has-text("Your words") input', ' and then');
    await page.click('text=Ask both');
    await page.waitForFunction(() => document.querySelectorAll('.turn:nth-child(2) [aria-busy=false]').length === 2);
    expect(await page.locator('.question').allTextContents()).toEqual(['The whale', ' and then']);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('stops before the end; the lesson leads on to look, ask and compare, is left and taken up [browser]', async () => {
    const { page, errors } = await dashboard.open('#/attention?lesson=look');
    await page.click('.lesson >> text=Train one first');
    await page.click('.lesson >> text=Train both, 200 steps');
    // The first evaluation is after step 20.
    await page.waitForFunction(() => /step [2-9]\d/.test(document.querySelector('[data-phase] h2')?.textContent ?? ''));
    await page.click('.buttons >> text=Stop');
    await page.waitForSelector('[data-phase=finished]');
    expect(await page.textContent('[data-phase] h2')).toMatch(/^Stopped, step \d+ of 200$/);
    const parameters = await page.locator('[data-phase] tbody td:nth-child(2)').allTextContents();
    expect(parameters[0]).toBe(parameters[1]);
    await page.click('.lesson >> text=Next: look inside');
    await page.waitForSelector('.matrices canvas');
    expect(await page.textContent('main .note')).toMatch(/^MoDA, trained in this page: moda, 4 layers/);
    await page.click('.lesson >> text=Next: ask the models');
    await page.click('.lesson >> text=Ask both');
    await page.waitForFunction(() => document.querySelectorAll('.turn [aria-busy=false]').length === 2);
    await page.click('nav >> text=What is MoDA?');
    await page.click('main >> text=Go on with the lesson: ask');
    await page.click('.lesson >> text=Next: compare');
    expect(await page.textContent('.lesson')).toMatch(/MoDA needs \d\.\d{3} bits per byte/);
    expect(new URL(page.url()).hash).toBe('#/train?lesson=compare');
    await page.click('.lesson >> text=Finish');
    await page.waitForSelector('main >> text=Start the lesson');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('pauses, and goes on bit for bit while another page is shown [browser]', async () => {
    const whole = await start('cpu', 12);
    await whole.page.waitForSelector('[data-phase=finished]');
    const { losses } = await exported(whole.page);
    await whole.page.close();

    const { page, errors } = await start('cpu', 12);
    await page.waitForFunction(() => /step [3-9]/.test(document.querySelector('[data-phase] h2')?.textContent ?? ''));
    await page.click('text=Pause');
    await page.waitForSelector('[data-phase=paused]');
    await page.click('text=Go on');
    await page.click('nav >> text=Evaluation');
    await page.waitForSelector('table.scores');
    await page.click('nav >> text=Train');
    await page.waitForSelector('[data-phase=finished]');
    expect((await exported(page)).losses).toEqual(losses);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('trains on WebGPU in the page as on WebAssembly [browser] [webgpu]', async () => {
    const losses: number[][] = [];
    for (const device of ['webgpu', 'cpu']) {
      const { page, errors } = await start(device, 2);
      await page.waitForSelector('[data-phase=finished]', { timeout: 240_000 });
      losses.push((await exported(page)).losses);
      expect(errors).toEqual([]);
      await page.close();
    }
    const [onGpu, onCpu] = losses;
    expect(onGpu).toHaveLength(2);
    onGpu.forEach((loss, i) => expect(Math.abs(loss - onCpu[i])).toBeLessThan(1e-3));
  }, 300_000);
});
