import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** Files of a built site whose names match, relative to its folder. */
export function siteFiles(site, pattern) {
  return readdirSync(site, { recursive: true })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => pattern.test(file) && !/^(files|packages-in-page)\//.test(file));
}

const decode = (text) => decodeURIComponent(text.replaceAll('&amp;', '&'));

/**
 * Links of a built site that lead nowhere, to a file or to a place of a page, as `page: link`. Addresses of other sites are not
 * asked for.
 */
export function checkLinks(site) {
  const files = siteFiles(site, /\.html$/);
  const texts = new Map(files.map((file) => [file, readFileSync(join(site, file), 'utf8')]));
  const ids = new Map(
    [...texts].map(([file, text]) => [file, new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]),
  );
  const leadsNowhere = (file, link) => {
    if (/^([a-z]+:|\/\/)/.test(link)) return false;
    const [path, hash] = link.split('#');
    const target = path === '' ? file : posix.join(dirname(file), decode(path));
    const found =
      existsSync(join(site, target)) && statSync(join(site, target)).isDirectory()
        ? posix.join(target, 'index.html')
        : target;
    if (!existsSync(join(site, found))) return true;
    return Boolean(hash) && ids.has(found) && !ids.get(found).has(decode(hash));
  };
  return [...texts].flatMap(([file, text]) =>
    [...new Set([...text.matchAll(/<a [^>]*href="([^"]+)"/g)].map(([, link]) => link))]
      .filter((link) => leadsNowhere(file, link))
      .map((link) => `${file}: ${link}`),
  );
}
