import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { axeProblems, launchBrowser } from '@modajs/browser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLI, runCli, smallFolder } from './run-cli.ts';

let cwd = '';
let server: ChildProcess;
let url = '';
beforeAll(async () => {
  cwd = await smallFolder('moda-dashboard-');
  server = spawn(process.execPath, [CLI, 'dashboard', '--port', '0'], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const died = once(server, 'exit').then(([code]) => `it ended with code ${code}`);
  // Lines are written one by one.
  let line = '';
  server.stdout!.on('data', (text) => {
    line += text;
  });
  const said = async () => {
    while (!line.includes('Ctrl-C')) await once(server.stdout!, 'data');
    return line;
  };
  line = String(await Promise.race([said(), died]));
  url = /http:\S+/.exec(line)?.[0] ?? '';
  expect(url, line).not.toBe('');
  expect(line).toContain('there is no such folder yet; train with --out runs');
});
afterAll(async () => {
  server.kill('SIGKILL');
  await rm(cwd, { recursive: true, force: true });
});

describe('moda dashboard', () => {
  it('shows a run’s curve growing while moda train writes it [browser] [cpu]', async () => {
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      await page.goto(`${url}#/runs`);
      await page.waitForSelector('text=No run yet');

      let isTraining = true;
      const training = runCli(['train', '-c', 'small.yaml', '-n', 'live', '--steps', '500'], { cwd }).finally(() => {
        isTraining = false;
      });
      const lengths = new Set<number>();
      const pictures = new Set<string>();
      const plot = page.locator('.curve-chart', { hasText: 'Training loss' }).locator('[data-points]');
      await plot.waitFor({ timeout: 60_000 });
      while (isTraining) {
        lengths.add(Number(await plot.getAttribute('data-points')));
        pictures.add(
          await plot.locator('canvas').evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL()),
        );
        await page.waitForTimeout(200);
      }
      expect((await training).code).toBe(0);
      expect(lengths.size).toBeGreaterThanOrEqual(3);
      expect([...lengths]).toEqual([...lengths].sort((a, b) => a - b));
      expect(pictures.size).toBeGreaterThanOrEqual(3);
      await page.waitForSelector('.run-row:has-text("step 500")');

      // The report of the run, as it is opened from disk, in both themes on a narrow screen.
      await page.goto(pathToFileURL(join(cwd, 'runs/live/report.html')).href);
      await page.setViewportSize({ width: 390, height: 844 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await axeProblems(page), colorScheme).toEqual([]);
      }
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  it('says what is wrong with a port that is in use, and with one that is none', async () => {
    const taken = await runCli(['dashboard', '--port', new URL(url).port], { cwd });
    expect([taken.code, taken.stderr]).toEqual([2, expect.stringMatching(/^error: dashboard: port \d+ must be free/)]);
    expect((await runCli(['dashboard', '--port', '70000'], { cwd })).code).toBe(2);
    const elsewhere = await runCli(['dashboard', '--port', '0', '--host', '203.0.113.7'], { cwd });
    expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringContaining('cannot listen on 203.0.113.7')]);
  });

  it('refuses a file for a folder of runs', async () => {
    const { code, stderr } = await runCli(['dashboard', '--runs', 'text.txt'], { cwd });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^error: dashboard: --runs must be a folder .+ Give the/),
    ]);
  });

  it('ends at Ctrl-C', async () => {
    server.kill('SIGINT');
    expect((await once(server, 'exit'))[0]).toBe(0);
  });
});
