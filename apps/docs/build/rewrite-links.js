import { existsSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { ROOT } from './repository.js';

/** Code, fenced or in backticks, in which nothing is a link. */
const CODE = /(^ *(```+|~~~+).*?^ *\2 *$|`+[^`\n]+`+)/gms;

/** Calls `rewrite` on the parts of a Markdown text that are not code. */
export function outsideCode(text, rewrite) {
  let end = 0;
  let result = '';
  for (const match of text.matchAll(CODE)) {
    result += rewrite(text.slice(end, match.index)) + match[0];
    end = match.index + match[0].length;
  }
  return result + rewrite(text.slice(end));
}

/**
 * Turns the relative links of a text into links between pages. A file that is no page is published as it is, under `files/`.
 *
 * @param {string} text Markdown
 * @param {{ file: string, page: string, links: Map<string, string>, publish: (file: string) => void }} where the text's file and
 *   page, the page of each file or folder, and what is told the files to publish
 * @throws Error for a link to nothing, with the file that has it
 */
export function rewriteLinks(text, { file, page, links, publish }) {
  const rewrite = (target) => {
    if (/^([a-z]+:|#)/.test(target)) return target;
    const [path, anchor] = target.split('#');
    const linked = posix.join(dirname(file), path).replace(/\/$/, '');
    const hash = anchor === undefined ? '' : `#${anchor}`;
    const other = links.get(linked);
    if (other !== undefined) return relativeLink(page, other) + hash;
    if (!existsSync(join(ROOT, linked)) || statSync(join(ROOT, linked)).isDirectory())
      throw new Error(`docs: a link must lead to a page or a file, got ${target} in ${file}.`);
    publish(linked);
    return relativeLink(page, `files/${linked}`);
  };
  // The text of a link may hold code, so its target is looked for at the bracket that ends it.
  return outsideCode(text, (part) => part.replace(/\]\(([^)\s]+)\)/g, (_, target) => `](${rewrite(target)})`));
}

/** Link from one page to another, or to a published file. */
export function relativeLink(from, to) {
  const link = posix.relative(dirname(from), to);
  return link.startsWith('.') ? link : `./${link}`;
}
