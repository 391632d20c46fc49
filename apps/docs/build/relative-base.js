import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { siteFiles } from './check-links.js';

/** Base that VitePress is given: it has no relative one, so this mark is replaced after the build. */
export const BASE = '/--base--/';

/** Vue keeps the attributes of a page as served, and a relative link would be wrong after the first navigation. */
const ABSOLUTE_LINKS = '<script>for(const link of document.querySelectorAll("a[href]"))link.href=link.href</script>';

/** Text of a built file without the mark: a page finds the base from its own address, scripts take it from the page's data. */
function withoutMark(file, text) {
  // The search index is one template literal.
  if (file.includes('@localSearchIndex')) return text.replaceAll(BASE, `\${window.__VP_SITE_DATA__.base}`);
  if (!file.endsWith('.html')) return text.replaceAll(`"${BASE}"`, 'window.__VP_SITE_DATA__.base');
  const up = '../'.repeat(file.split('/').length - 1) || './';
  return text
    .replace(`\\"base\\":\\"${BASE}\\"`, `\\"base\\":\\""+new URL("${up}",location.href).pathname+"\\"`)
    .replaceAll(BASE, up)
    .replace('</body>', `${ABSOLUTE_LINKS}</body>`);
}

/**
 * Makes a built site work under any address, without a setting.
 *
 * @throws Error if VitePress wrote its base in a way that this does not know
 */
export function makeRelative(site) {
  for (const file of siteFiles(site, /\.(html|js)$/)) {
    const text = withoutMark(file, readFileSync(join(site, file), 'utf8'));
    if (text.includes(BASE)) throw new Error(`docs: the base must be replaced everywhere, got it in ${file}.`);
    writeFileSync(join(site, file), text);
  }
}
