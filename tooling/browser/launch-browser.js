import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { unpackArchives } from '@modajs/software-vulkan/chromium-archives';
import { chromium } from 'playwright-core';

const SYSTEM_FONTS = '/etc/fonts/fonts.conf';
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

/** Of the npm package: the program, its fonts, its software GPU, and the libraries (NSS, NSPR, Expat) that a bare Linux lacks. */
const ARCHIVES = ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br'];

/** Makes the package's fonts known on a machine that has none. */
function fontsOf(folder) {
  const file = join(folder, 'only-these-fonts.conf');
  const text = `<?xml version="1.0"?><fontconfig><dir>${join(folder, 'fonts')}</dir></fontconfig>\n`;
  if (!existsSync(file)) writeFileSync(file, text);
  return { FONTCONFIG_FILE: file };
}

/** Chromium and the environment that it needs: `MODA_CHROMIUM`, else the system's, else the one of `@sparticuz/chromium`. */
function browserProgram() {
  const system = process.env.MODA_CHROMIUM || SYSTEM.find((path) => existsSync(path));
  if (system) return { executablePath: system, variables: {} };
  const folder = unpackArchives('chromium', ARCHIVES);
  const libraries = [join(folder, 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  const variables = { LD_LIBRARY_PATH: libraries, ...(existsSync(SYSTEM_FONTS) ? {} : fontsOf(folder)) };
  return { executablePath: join(folder, 'chromium'), variables };
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
  const { executablePath, variables } = browserProgram();
  const env = { ...process.env, ...variables, LANG: 'C', LC_ALL: 'C' };
  return launch({
    executablePath,
    args: [...FLAGS, ...args],
    env,
    ...options,
  });
}
