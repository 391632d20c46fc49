import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vitepress';
import { writeApiPages } from './api-pages.js';
import { bundlePackages } from './bundle-packages.js';
import { checkLinks } from './check-links.js';
import { makeRelative } from './relative-base.js';
import { apiPages, sitePages, writePages } from './site-pages.js';

const app = fileURLToPath(new URL('..', import.meta.url));
const pages = `${app}.site`;
const site = `${app}dist`;

rmSync(pages, { recursive: true, force: true });
await writeApiPages(`${pages}/api`);
const { pages: texts, published } = sitePages();
writePages(pages, { pages: [...texts, ...apiPages(pages)], published });
await bundlePackages(`${pages}/public/packages-in-page`);
await build(app);
makeRelative(site);
const problems = checkLinks(site);
if (problems.length > 0) {
  console.error(`docs: every link must lead to a page and a heading that exist, got\n${problems.join('\n')}`);
  process.exit(1);
}
