import { readFileSync } from 'node:fs';
import { createDecoder, defineDecoderConfig, hostParameters, writeHuggingFace } from '@modajs/models';
import { type Device, init } from '@modajs/tensor';
import { Tokenizer } from '@modajs/tokenizer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PageRun } from '../src/training/page-run.ts';
import { type LibraryLayer, libraryMaps } from './library-maps.ts';
import { type DashboardUnderTest, openDashboard, type Page } from './open-dashboard.ts';
import { smallRun } from './small-run.ts';

const PROMPT = 'The whale sees the old ship.';

let dashboard: DashboardUnderTest;
let device: Device;
let run: PageRun;
let tokenizer: Tokenizer;
let ids: Int32Array;
let expected: LibraryLayer[];
beforeAll(async () => {
  dashboard = await openDashboard();
  device = await init({ device: 'cpu', threads: 1 });
  run = await smallRun(device, 30);
  tokenizer = Tokenizer.fromJson(new TextDecoder().decode(run.storage.files.get('tokenizer.json')));
  ids = tokenizer.encode(PROMPT);
  expected = await libraryMaps(run.decoder, ids);
});
afterAll(async () => {
  device?.destroy();
  await dashboard?.close();
});

interface SavedMaps {
  readonly tokens: readonly string[];
  readonly layers: readonly {
    readonly slots: readonly { layer: number; part: string }[];
    readonly heads: readonly { sequence: number[][]; depth: number[][] }[];
  }[];
  readonly depthMass: number[][];
  readonly sinkMass: number[][];
}

/** Opens files of a model on the page and asks for the prompt. */
async function look(page: Page, files: { name: string; mimeType: string; buffer: Buffer }[]): Promise<void> {
  await page.setInputFiles('input[type=file]', files);
  await page.waitForSelector('.prompt input');
  await page.fill('.prompt input', PROMPT);
  await page.waitForSelector('.heatmap canvas');
  await page.click('text=Look');
  await page.waitForSelector('.prompt button:not(:disabled)');
}

async function savedMaps(page: Page): Promise<SavedMaps> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('text=Values as JSON')]);
  return JSON.parse(readFileSync(await file.path(), 'utf8'));
}

const zipOf = (from: PageRun) => [{ name: 'moda.zip', mimeType: 'application/zip', buffer: Buffer.from(from.zip()) }];

describe('depth attention page', () => {
  it('shows the library’s values to 1e-6, rows that sum to 1, and the writers of the slots [browser]', async () => {
    const { page, errors } = await dashboard.open('#/attention');
    await look(page, zipOf(run));
    const saved = await savedMaps(page);
    const T = ids.length;
    expect(saved.tokens.join('').replaceAll('␣', ' ')).toBe(PROMPT);
    expect(saved.tokens).toHaveLength(T);
    let worst = 0;
    saved.layers.forEach(({ slots, heads }, layer) => {
      const { sequence, depth } = expected[layer];
      expect(slots).toHaveLength(2 * layer);
      heads.forEach((head, h) => {
        for (let t = 0; t < T; t++) {
          const row = [...head.sequence[t], ...head.depth[t]];
          expect(Math.abs(row.reduce((sum, weight) => sum + weight, 0) - 1)).toBeLessThan(1e-6);
          row.forEach((weight, i) => {
            const at = h * T + t;
            const own = i < T ? sequence[at * T + i] : depth[at * slots.length + i - T];
            worst = Math.max(worst, Math.abs(weight - own));
          });
        }
      });
    });
    expect(worst).toBeLessThan(1e-6);
    expect(saved.layers[1].slots).toEqual([
      { layer: 0, part: 'attention' },
      { layer: 0, part: 'ffn' },
    ]);
    const meanOf = (values: ArrayLike<number>, head: number): number =>
      Array.from(values)
        .slice(head * T, (head + 1) * T)
        .reduce((sum, mass) => sum + mass / T, 0);
    saved.layers.forEach(({ heads }, layer) =>
      heads.forEach((_, head) => {
        const { depthMass, sinkMass } = expected[layer];
        expect(Math.abs(saved.depthMass[layer][head] - meanOf(depthMass, head))).toBeLessThan(1e-6);
        expect(Math.abs(saved.sinkMass[layer][head] - meanOf(sinkMass, head))).toBeLessThan(1e-6);
      }),
    );
    expect(saved.depthMass[3].some((mass) => mass > 0.1)).toBe(true);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('names a cell to the pointer and to the keyboard, in any layer and head [browser]', async () => {
    const { page, errors } = await dashboard.open('#/attention');
    await look(page, zipOf(run));
    await page.selectOption('label:has-text("Layer") select', '2');
    await page.selectOption('label:has-text("Head") select', '1');
    await page.waitForSelector('h2:text-is("Layer 2, head 1")');
    const canvas = page.locator('.heatmap canvas').first();
    await canvas.focus();
    for (const key of ['ArrowDown', 'PageDown', 'End']) await page.keyboard.press(key);
    const T = ids.length;
    const weight = expected[2].depth[(1 * T + T - 1) * 4 + 3];
    const says = `Token ${T - 1} “.” → slot 3 (layer 1, FFN): ${weight.toFixed(4)}.`;
    const announced = page.locator('.heatmap').first().locator('[role=status]');
    expect(await announced.textContent()).toContain(says);
    await page.keyboard.press('Home');
    expect(await announced.textContent()).toContain('→ token 0 “');
    const box = (await canvas.boundingBox())!;
    await canvas.hover({ position: { x: box.width - 4, y: box.height - 4 } });
    expect(await page.locator('.readout').first().textContent()).toContain(says);
    await page.locator('.matrices canvas').first().focus();
    for (const key of ['ArrowDown', 'PageUp', 'End', 'Enter']) await page.keyboard.press(key);
    expect(await page.locator('.card h2').first().textContent()).toBe('Layer 0, head 3');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('opens a Hugging Face folder of an ordinary transformer, and says what is missing [browser]', async () => {
    const { page, errors } = await dashboard.open('#/attention');
    const file = (name: string, content: Uint8Array) => ({
      name,
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(content),
    });
    const config = run.storage.files.get('config.json')!;
    await page.setInputFiles('input[type=file]', [file('config.json', config)]);
    await page.waitForSelector('[role=alert]');
    expect(await page.textContent('[role=alert]')).toContain('tokenizer.json: the file must be among those given');
    const olmo2 = createDecoder(
      defineDecoderConfig({ nLayers: 2, nHeads: 3, dModel: 24, vocabSize: tokenizer.vocabSize }),
      { device, seed: 5 },
    );
    const written = await writeHuggingFace(olmo2.config, await hostParameters(olmo2));
    await page.setInputFiles('input[type=file]', [
      ...[...written].map(([name, content]) => file(name, content)),
      file('tokenizer.json', run.storage.files.get('tokenizer.json')!),
    ]);
    await page.waitForSelector('.heatmap canvas');
    const { layers, sinkMass } = await savedMaps(page);
    expect(layers.map(({ slots, heads }) => [slots.length, heads.length])).toEqual([
      [0, 3],
      [0, 3],
    ]);
    const shown = tokenizer.encode(await page.inputValue('.prompt input'));
    const sink = Array.from((await libraryMaps(olmo2, shown))[1].sinkMass).slice(2 * shown.length);
    expect(Math.abs(sinkMass[1][2] - sink.reduce((sum, mass) => sum + mass / shown.length, 0))).toBeLessThan(1e-6);
    expect(await page.locator('h2', { hasText: 'Depth mass' }).count()).toBe(0);
    expect(await page.textContent('main [role=note]')).toMatch(/^This model has no depth slots\./);
    olmo2.dispose();
    expect(errors).toEqual([]);
    await page.close();
  });

  it('trains a small model on the spot for visitors who have none [browser]', async () => {
    const { page, errors } = await dashboard.open('#/attention');
    await page.click('text=Train a small one now');
    await page.waitForFunction(() =>
      /Step \d+ of 150, loss \d/.test(document.querySelector('.progress')?.textContent ?? ''),
    );
    await page.waitForSelector('.matrices canvas', { timeout: 120_000 });
    const { depthMass } = await savedMaps(page);
    expect(depthMass).toHaveLength(4);
    expect(depthMass[0]).toEqual([0, 0, 0, 0]);
    expect(errors).toEqual([]);
    await page.close();
  });
});
