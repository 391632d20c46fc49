import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { serveFolder } from '@modajs/browser';

const run = promisify(execFile);

/** The command with which each bundler bundles `page.js` into `out`, without settings of ours. */
const COMMANDS = {
  vite: ['vite', 'build', '--outDir', 'out', '--base', './'],
  esbuild: ['esbuild', 'page.js', '--bundle', '--splitting', '--format=esm', '--minify', '--outdir=out'],
};

const PAGE = `import { xorAndModa } from './xor-and-moda.js';
const kind = new URLSearchParams(location.search).get('device') ?? 'cpu';
document.title = await xorAndModa(kind).catch((error) => 'failed: ' + error.message);\n`;
const HTML =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>running</title><script type="module" src="./page.js"></script></html>\n';
/** In every shader and in nothing else. */
const SHADER = '@workgroup_size';

/**
 * Bundles the consumer's page in a project that has our packages.
 *
 * @param {string} project
 * @param {string} name of the bundler
 * @param {string} binaries a `node_modules/.bin` that has the bundler
 * @returns {Promise<{ out: string, warnings: string, files: { name: string, sizeBytes: number, gzipBytes: number, hasShaders: boolean }[] }>}
 */
export async function bundlePage(project, name, binaries) {
  const command = COMMANDS[name];
  writeFileSync(join(project, 'page.js'), PAGE);
  writeFileSync(join(project, 'index.html'), HTML);
  const { stdout, stderr } = await run(join(binaries, command[0]), command.slice(1), {
    cwd: project,
    env: { ...process.env, NO_COLOR: '1' },
  });
  const out = join(project, 'out');
  mkdirSync(out, { recursive: true });
  if (!readdirSync(out).includes('index.html')) cpSync(join(project, 'index.html'), join(out, 'index.html'));
  const scripts = readdirSync(out, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.js') && statSync(join(out, file)).isFile());
  return {
    out,
    warnings: `${stdout}\n${stderr}`
      .split('\n')
      .filter((line) => /warn|circular|ignored-bare-import|deprecat/i.test(line))
      .join('; '),
    files: scripts.map((file) => {
      const text = readFileSync(join(out, file));
      return {
        name: file,
        sizeBytes: text.length,
        gzipBytes: gzipSync(text).length,
        hasShaders: text.includes(SHADER),
      };
    }),
  };
}

/** Runs the bundled page on one device in Chromium; gives its title and the scripts that it loaded. */
async function runInChromium(browser, { out, files }, device) {
  const server = await serveFolder(out);
  const page = await browser.newPage();
  try {
    const loaded = new Set();
    const errors = [];
    page.on('request', (request) => loaded.add(new URL(request.url()).pathname.slice(1)));
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`${server.url}/?device=${device}`);
    await page.waitForFunction(() => document.title !== 'running', undefined, { timeout: 120_000 }).catch(() => {});
    const title = await page.title();
    return {
      title: title === 'running' ? `failed: ${errors.join('; ') || 'it does not end'}` : title,
      loaded: files.filter(({ name }) => loaded.has(name)),
    };
  } finally {
    await page.close();
    await server.close();
  }
}

/**
 * Runs the bundled page in Chromium on the cpu and on WebGPU.
 *
 * @param browser of `launchBrowser`
 * @returns {Promise<string[]>} the size of the scripts that it loads on each
 * @throws {Error} when the page does not work, when it loads shaders on the cpu, and when none are seen where there must be some
 */
export async function checkPage(browser, bundle) {
  const sizes = [];
  for (const device of ['cpu', 'webgpu']) {
    const { title, loaded } = await runInChromium(browser, bundle, device);
    if (!title.includes('MoDA right'))
      throw new Error(`release-check: the page must work in Chromium on ${device}; ${title}`);
    const shaders = loaded.filter(({ hasShaders }) => hasShaders).map(({ name }) => name);
    if (device === 'cpu' && shaders.length > 0)
      throw new Error(`release-check: a page on the cpu must load no shaders, it loads ${shaders.join(', ')}.`);
    if (device === 'webgpu' && shaders.length === 0)
      throw new Error('release-check: a page on WebGPU must load shaders; the check for the cpu does not see them.');
    const kilobytes = (field) => Math.round(loaded.reduce((sum, file) => sum + file[field], 0) / 1000);
    sizes.push(`${kilobytes('sizeBytes')} kB (${kilobytes('gzipBytes')} kB gzip)`);
  }
  return sizes;
}
