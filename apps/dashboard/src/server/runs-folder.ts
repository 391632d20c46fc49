import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { HttpError } from './http-error.ts';

/** A file of the runs folder, open for reading; `close` it. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly stats: Stats;
}

/** The one folder that is served, by relative paths of whole names. Nothing outside it is read, by whatever path or link. */
export class RunsFolder {
  constructor(readonly location: string) {}

  /**
   * The real place of a path below the folder.
   *
   * @throws HttpError 400 for a path that no file has here, 404 when there is nothing or a link leads outside
   */
  async resolve(path: string): Promise<string> {
    const names = path === '' ? [] : path.split('/');
    if (names.some(isForbidden)) throw new HttpError(400, 'a path is names with / between them');
    const root = await realpath(this.location).catch(() => null);
    const found = root && (await realpath(join(root, ...names)).catch(() => null));
    if (!root || !found || (found !== root && !found.startsWith(root.endsWith(sep) ? root : root + sep)))
      throw new HttpError(404, `there is no ${path} in the runs folder`);
    return found;
  }

  /** Opens a plain file. @throws HttpError as `resolve`, and 404 for what is no plain file */
  async open(path: string): Promise<OpenFile> {
    const file = await this.resolve(path);
    // What is not a plain file, a pipe say, must not even be opened; a link put there since is not followed.
    if (!(await lstat(file).catch(() => null))?.isFile()) throw new HttpError(404, `${path} is no file`);
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => {
      throw new HttpError(404, `${path} cannot be read`);
    });
    const stats = await handle.stat();
    if (stats.isFile()) return { handle, stats };
    await handle.close();
    throw new HttpError(404, `${path} is no file`);
  }

  /** Names in a folder, folders with a `/` behind, sorted; links and other kinds are left out. @throws HttpError */
  async list(path: string): Promise<{ readonly name: string; readonly isFolder: boolean }[]> {
    const entries = await readdir(await this.resolve(path), { withFileTypes: true }).catch(() => {
      throw new HttpError(404, `there is no folder ${path} in the runs folder`);
    });
    return entries
      .filter((entry) => (entry.isFile() || entry.isDirectory()) && !isForbidden(entry.name))
      .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** Names that a path may not have: hidden files too, which no run shows. */
function isForbidden(name: string): boolean {
  return name === '' || name.startsWith('.') || /[\\/\0]/.test(name);
}
