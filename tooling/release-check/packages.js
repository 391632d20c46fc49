import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Public packages: `{ name, folder, manifest, examples }`, examples from the README's fenced blocks. */
export function packages() {
  return ['packages', 'apps']
    .flatMap((group) => readdirSync(join(ROOT, group)).map((name) => join(ROOT, group, name)))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => !manifest.private)
    .map(({ folder, manifest }) => ({
      folder,
      manifest,
      name: manifest.name,
      examples: examplesOf(join(folder, 'README.md')),
    }));
}

/**
 * Runnable blocks of a README: ```ts runs in Node and in the browser, ```ts node in Node only.
 * A block without an import is a fragment and does not run.
 */
function examplesOf(readme) {
  const text = readFileSync(readme, 'utf8');
  return [...text.matchAll(/^```(?:ts|js)( node)?\n([\s\S]*?)^```$/gm)]
    .map(([, node, code]) => ({ code, needsNode: node !== undefined || /from 'node:/.test(code) }))
    .filter(({ code }) => /^import /m.test(code));
}

/** pnpm of the workspace's version; it need not be installed. */
export const PNPM = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).packageManager;
