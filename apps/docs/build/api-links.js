import { posix } from 'node:path';

/** What a heading's anchor is called: as VitePress calls it, for the headings that TypeDoc writes. */
const slug = (heading) =>
  heading
    .replace(/[`\\]/g, '')
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

function anchorsOf(text) {
  const counts = new Map();
  return new Set(
    Array.from(text.matchAll(/^#+ (.+)$/gm), ([, heading]) => {
      const base = slug(heading);
      const count = counts.get(base) ?? 0;
      counts.set(base, count + 1);
      return count === 0 ? base : `${base}-${count}`;
    }),
  );
}

/**
 * Pages of the API whose links lead to headings that there are. TypeDoc counts headings of one name in another way, and marks rows
 * of tables with HTML, which pages of this site do not have: a link to a row becomes its text, any other one leads to the first
 * heading of the name, or to the page.
 *
 * @param {{ page: string, text: string, title: string }[]} pages
 */
export function withLinksToHeadings(pages) {
  const anchors = new Map(pages.map(({ page, text }) => [page, anchorsOf(text)]));
  const mended = (page, target) => {
    const [path, hash] = target.split('#');
    const known = anchors.get(path === '' ? page : posix.join(posix.dirname(page), path));
    if (known === undefined || hash === undefined) return target;
    const found = [hash, slug(hash), slug(hash).replace(/-\d+$/, '')].find((anchor) => known.has(anchor));
    if (found !== undefined) return `${path}#${found}`;
    return path === '' ? null : path;
  };
  const rewrite = (page, text) =>
    text
      .replace(/<a id="[^"]*"><\/a> /g, '')
      .replace(/\[((?:[^\][]|\\[\][])*)\]\(([^)\s]+)\)/g, (whole, label, target) => {
        if (/^[a-z]+:/.test(target)) return whole;
        const link = target.includes('#property-') ? null : mended(page, target);
        return link === null ? label : `[${label}](${link})`;
      });
  return pages.map(({ page, text, title }) => ({ page, title, text: rewrite(page, text) }));
}
