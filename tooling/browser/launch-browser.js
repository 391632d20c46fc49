import { existsSync } from 'node:fs';
import chromiumPackage from '@sparticuz/chromium';
import { chromium } from 'playwright-core';

const SYSTEM = ['/usr/bin/chromium', '/usr/bin/google-chrome'];

/** What a headless Chromium needs for WebGPU in software, and to leave the network alone. */
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

async function executable() {
  const named = process.env.MODA_CHROMIUM;
  if (named) return named;
  return SYSTEM.find((path) => existsSync(path)) ?? chromiumPackage.executablePath();
}

/** A process that dies as it starts is started again: on a busy machine one in some dozens does (SIGSEGV). */
const ATTEMPTS = 3;

async function launch(options) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await chromium.launch(options);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * Starts Chromium: the one in `MODA_CHROMIUM`, the system's, or that of the npm package `@sparticuz/chromium`.
 *
 * @param {import('playwright-core').LaunchOptions} options more launch options; `args` are added
 * @returns {Promise<import('playwright-core').Browser>}
 */
export async function launchBrowser({ args = [], ...options } = {}) {
  // As on a server: without a locale Chromium reports the language `en-US@posix`, which Intl refuses and pages must bear.
  const env = { ...process.env, LANG: 'C', LC_ALL: 'C' };
  return launch({
    executablePath: await executable(),
    args: [...FLAGS, ...args],
    env,
    ...options,
  });
}
