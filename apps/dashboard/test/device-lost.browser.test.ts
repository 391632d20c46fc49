import { launchBrowser } from '@modajs/browser';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Browser, type DashboardUnderTest, openDashboard, openPage } from './open-dashboard.ts';
import { sentences } from './sentences.ts';

let dashboard: DashboardUnderTest;
/** Of its own: its GPU process crashes. */
let browser: Browser;
beforeAll(async () => {
  dashboard = await openDashboard();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.close();
});

it('training says that the GPU is lost, and goes on with WebAssembly from where it was [browser] [webgpu]', async () => {
  const { page } = await openPage(browser, `${dashboard.url}/#/train`);
  await page.fill('textarea', sentences(400));
  await page.fill('label:has-text("Steps") input', '3');
  await page.selectOption('label:has-text("Device") select', 'webgpu');
  await page.click('text=Start');
  await page.waitForSelector('[data-phase=training]');
  const session = await browser.newBrowserCDPSession();
  await session.send('Browser.crashGpuProcess').catch(() => {});
  await page.waitForSelector('[data-phase=lost] [role=alert]', { timeout: 60_000 });
  expect(await page.textContent('[role=alert]')).toMatch(/The GPU went away.*device must stay alive, got lost/s);
  await page.click('text=Go on with WebAssembly');
  await page.waitForSelector('[data-phase=finished]');
  expect(await page.textContent('[data-phase] h2')).toBe('Finished, step 3 of 3');
  expect(await page.textContent('[data-phase] .note')).toMatch(/^cpu/);
}, 240_000);
