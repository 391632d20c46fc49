import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launchBrowser, serveFolder } from '@modajs/browser';
import { build } from 'esbuild';
import { ROOT } from './packages.js';

/** What a page has not. */
const NEEDS_NODE = /from '(node:|@modajs\/\w+\/node)|\bprocess\./;

/**
 * Runs the programs of `examples/` that need no Node, one after the other, in one page in Chromium, bundled as an application does it.
 *
 * @param {string} folder an empty folder to work in
 * @param {string} modules a `node_modules` that has our packages
 */
export async function checkExamplePrograms(folder, modules) {
  const examples = join(ROOT, 'examples');
  const programs = readdirSync(examples).filter(
    (name) => /^\d\d-.*\.js$/.test(name) && !NEEDS_NODE.test(readFileSync(join(examples, name), 'utf8')),
  );
  const steps = programs.map((name) => `document.title = '${name}';\nawait import('${join(examples, name)}');\n`);
  mkdirSync(folder, { recursive: true });
  await build({
    stdin: { contents: `${steps.join('')}document.title = 'done';\n`, resolveDir: folder },
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    outdir: folder,
    nodePaths: [modules],
    // Loaded when the hub is asked, which no program does.
    external: ['@huggingface/hub'],
    logLevel: 'error',
  });
  const page =
    '<!doctype html><meta charset="utf-8"><title>start</title><script type="module" src="stdin.js"></script>';
  writeFileSync(join(folder, 'index.html'), page);
  const server = await serveFolder(folder, { isolated: true });
  const browser = await launchBrowser();
  try {
    const tab = await browser.newPage();
    const errors = [];
    tab.on('pageerror', (error) => errors.push(error.message));
    await tab.goto(server.url);
    await tab
      .waitForFunction(() => document.title === 'done', undefined, { timeout: 300_000 })
      .catch(async (error) => {
        const at = await tab.title();
        throw new Error(
          `release-check: examples/${at} must run in a page; it does not: ${errors.join('; ') || error.message}`,
        );
      });
    console.log(`release-check: ${programs.length} programs of examples/ run in a page`);
  } finally {
    await browser.close();
    await server.close();
  }
}
