import { fileURLToPath } from 'node:url';
import { launchBrowser, serveFolder } from '@modajs/browser';
import { build } from 'vite';

export type Browser = Awaited<ReturnType<typeof launchBrowser>>;
export type Page = Awaited<ReturnType<Browser['newPage']>>;
type PageOptions = NonNullable<Parameters<Browser['newPage']>[0]>;

/** A page of the dashboard, and what its console complained of: a test ends with `errors` empty. */
export interface OpenPage {
  readonly page: Page;
  readonly errors: readonly string[];
  /** Paths that the page and its workers asked the server for. */
  readonly requests: readonly string[];
}

/** The built dashboard in a browser. */
export interface DashboardUnderTest {
  readonly browser: Browser;
  readonly url: string;
  /** Folder of the built page. */
  readonly site: string;
  open(hash: string, options?: PageOptions): Promise<OpenPage>;
  close(): Promise<void>;
}

let site: Promise<string> | undefined;

/** Builds the page from the workspace's sources, once for all test files of a process; returns its folder. */
export function buildSite(): Promise<string> {
  site ??= (async () => {
    const root = fileURLToPath(new URL('..', import.meta.url));
    const outDir = fileURLToPath(new URL('../.test-build', import.meta.url));
    await build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true } });
    return outDir;
  })();
  return site;
}

/** Builds the page, serves it as any web server does, and starts a browser. */
export async function openDashboard(): Promise<DashboardUnderTest> {
  const site = await buildSite();
  const server = await serveFolder(site);
  const browser = await launchBrowser();
  return {
    browser,
    url: server.url,
    site,
    open: (hash, options) => openPage(browser, `${server.url}/${hash}`, options),
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** Opens an address in a fresh context. */
export async function openPage(browser: Browser, url: string, options: PageOptions = {}): Promise<OpenPage> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.stack ?? error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  const requests: string[] = [];
  page.on('request', (request) => {
    if (request.url().startsWith('http')) requests.push(new URL(request.url()).pathname);
  });
  await page.goto(url);
  return { page, errors, requests };
}
