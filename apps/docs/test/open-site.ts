import { fileURLToPath } from 'node:url';
import { launchBrowser, serveFolder } from '@modajs/browser';

/** The built site; `turbo run test` builds it before. */
const SITE = fileURLToPath(new URL('..', import.meta.url));

export type Browser = Awaited<ReturnType<typeof launchBrowser>>;
export type Page = Awaited<ReturnType<Browser['newPage']>>;

/**
 * Serves the built site below a folder and starts a browser.
 *
 * @returns `open` with a page's path; `errors` collects what a console complains of
 */
export async function openSite() {
  // Served from the folder above, the site stands at `/dist/`: it must work at any address.
  const server = await serveFolder(SITE, { isolated: false });
  const browser = await launchBrowser();
  const errors: string[] = [];
  return {
    errors,
    async open(path: string): Promise<Page> {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      page.on('pageerror', (error) => errors.push(`${path}: ${error.message}`));
      page.on('console', (message) => void (message.type() === 'error' && errors.push(`${path}: ${message.text()}`)));
      await page.goto(`${server.url}/dist/${path}`, { waitUntil: 'networkidle' });
      // Set when the page's script has taken over.
      await page.waitForSelector('.VPSwitchAppearance[title]:not([title=""])', { state: 'attached' });
      return page;
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}
