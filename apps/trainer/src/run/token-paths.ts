import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Names what a folder of shards holds. */
export const MANIFEST_FILE = 'manifest.json';

/** Whether a source is tokens already: a `.bin` file, or a folder that holds some. */
export async function isTokenData(path: string): Promise<boolean> {
  if (path.endsWith('.bin')) return true;
  const isFolder = await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
  return isFolder && (await readdir(path)).some((name) => name.endsWith('.bin') || name === MANIFEST_FILE);
}

/** The tokenizer that lies beside shards; null when there is none. */
export async function tokenizerBeside(path: string): Promise<string | null> {
  const candidate = join(path, 'tokenizer.json');
  return stat(candidate).then(
    () => candidate,
    () => null,
  );
}
