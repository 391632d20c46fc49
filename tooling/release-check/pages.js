import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchBrowser } from '@modajs/browser';
import { bundlePage, checkPage } from './bundlers.js';
import { consumerProject } from './rehearsal.js';

const BINARIES = fileURLToPath(new URL('./node_modules/.bin', import.meta.url));

/**
 * The consumer's page, bundled by the bundlers that this workspace has, works in Chromium on the cpu, where it loads no shaders, and on WebGPU.
 *
 * @param {string} folder an empty folder to work in
 * @param {string} modules a `node_modules` that has our packages
 */
export async function checkPages(folder, modules) {
  const browser = await launchBrowser();
  try {
    for (const name of ['vite', 'esbuild']) {
      const project = consumerProject(join(folder, name));
      symlinkSync(modules, join(project, 'node_modules'));
      const bundle = await bundlePage(project, name, BINARIES);
      if (bundle.warnings !== '')
        throw new Error(`release-check: ${name} must warn of nothing; it says ${bundle.warnings}`);
      const [cpu, gpu] = await checkPage(browser, bundle);
      console.log(`release-check: a page by ${name} works; scripts on the cpu ${cpu}, on WebGPU ${gpu}`);
    }
  } finally {
    await browser.close();
  }
}
