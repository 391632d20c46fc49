import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

const TAR_BLOCK = 512;

/** Files of an uncompressed tar archive by name. Plain files only, which is all that the archives hold. */
export function readTar(archive) {
  const files = new Map();
  const text = (start, length) => archive.toString('latin1', start, start + length).replace(/\0.*$/s, '');
  for (let at = 0; at + TAR_BLOCK <= archive.length; ) {
    const name = text(at, 100);
    if (name === '') break;
    const size = Number.parseInt(text(at + 124, 12).trim(), 8);
    if (!name.endsWith('/')) files.set(name, archive.subarray(at + TAR_BLOCK, at + TAR_BLOCK + size));
    at += TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  return files;
}

/**
 * Unpacks archives of the npm package `@sparticuz/chromium` into a folder of `node_modules/.cache/`, once for each version of it.
 * Processes that unpack at the same time do not see each other's half-written files.
 *
 * @param {string} name the folder's name, the version is added
 * @param {readonly string[]} archives files of the package's `bin`: `x.tar.br` for the files in it, `x.br` for the program `x`
 * @returns {string} the folder
 */
export function unpackArchives(name, archives) {
  const main = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const root = main.slice(0, main.lastIndexOf(join('@sparticuz', 'chromium')) + join('@sparticuz', 'chromium').length);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const cache = join(dirname(fileURLToPath(import.meta.url)), 'node_modules', '.cache');
  const folder = join(cache, `${name}-${version}`);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.${process.pid}`;
  for (const archive of archives) {
    const bytes = brotliDecompressSync(readFileSync(join(root, 'bin', archive)));
    const files = archive.endsWith('.tar.br') ? readTar(bytes) : new Map([[archive.replace(/\.br$/, ''), bytes]]);
    for (const [path, content] of files) {
      mkdirSync(dirname(join(partial, path)), { recursive: true });
      writeFileSync(join(partial, path), content, { mode: 0o755 });
    }
  }
  try {
    renameSync(partial, folder);
  } catch (error) {
    // Another process finished first; its folder is as good as ours.
    if (!existsSync(folder)) throw error;
    rmSync(partial, { recursive: true });
  }
  return folder;
}
