import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, fsync } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { CheckpointError } from '@modajs/tensor';
import {
  damaged,
  gitBlobHeader,
  type HubFile,
  type HubFiles,
  type HubOptions,
  type HubRepository,
  openHubFiles,
  requireSafeHubPath,
} from '../io/hub/hub-files.ts';

/** As `FileHandle.sync`, which Yarn's Plug'n'Play does not have. */
const toDisk = promisify(fsync);

/** Where files of the hub are kept, and how it is reached. */
export interface HubCacheOptions extends HubOptions {
  /** Folder of the cache; by default the one that huggingface_hub uses: `HF_HUB_CACHE`, or `hub` below `HF_HOME`. */
  readonly cache?: string;
  readonly onProgress?: (file: string, bytes: number, totalBytes: number) => void;
}

/** Files of a repository on disk. */
export type CachedHubFiles = Pick<HubFiles, 'commit' | 'list' | 'read'>;

/**
 * A repository of the hub with the cache that other tools share (`models--owner--name/{blobs,refs,snapshots}`). A file gets
 * its name only when all of it is there and has the hub's hash; an interrupted download goes on where it was. Without a
 * network the commit that the revision last named serves.
 *
 * @throws CheckpointError as `openHubFiles` does
 */
export function openHubCache(repository: HubRepository, options: HubCacheOptions = {}): CachedHubFiles {
  const endpoint = options.endpoint ?? process.env['HF_ENDPOINT'];
  const token = options.token ?? process.env['HF_TOKEN'];
  const remote = openHubFiles(repository, { ...options, endpoint, token });
  const folder = async () => {
    const { getHFHubCachePath, getRepoFolderName } = await import('@huggingface/hub');
    return join(options.cache ?? getHFHubCachePath(), getRepoFolderName(repository));
  };
  let pinned: Promise<string> | undefined;
  const commit = () => {
    pinned ??= folder().then((root) => pin(remote, join(root, 'refs', ...(repository.revision ?? 'main').split('/'))));
    pinned.catch(() => (pinned = undefined));
    return pinned;
  };
  return {
    commit,
    async list(below) {
      requireSafeHubPath(below);
      const index = join(await folder(), '.moda', await commit(), `${below.replaceAll('/', '--')}.json`);
      const known = await readFile(index, 'utf8').catch(() => null);
      if (known !== null) return JSON.parse(known) as string[];
      const paths = await remote.list(below);
      await mkdir(dirname(index), { recursive: true });
      await writeWhole(index, JSON.stringify(paths));
      return paths;
    },
    async read(path) {
      requireSafeHubPath(path);
      const root = await folder();
      const pointer = join(root, 'snapshots', await commit(), ...path.split('/'));
      const kept = await readFile(pointer).catch(() => null);
      if (kept !== null) return kept;
      const file = await remote.find(path);
      if (file === null) return null;
      const blob = join(root, 'blobs', file.hash);
      if (!(await exists(blob))) await fetchBlob(remote, file, blob, options);
      await link(blob, pointer);
      return readFile(pointer);
    },
  };
}

/** The commit of a revision, remembered for days without a network. */
async function pin(remote: HubFiles, ref: string): Promise<string> {
  try {
    const commit = await remote.commit();
    await mkdir(dirname(ref), { recursive: true });
    await writeWhole(ref, commit);
    return commit;
  } catch (error) {
    const isOffline = error instanceof CheckpointError && error.details['reachable'] === false;
    const known = isOffline ? await readFile(ref, 'utf8').catch(() => '') : '';
    if (/^[0-9a-f]{40}$/.test(known.trim())) return known.trim();
    throw error;
  }
}

async function fetchBlob(
  remote: HubFiles,
  file: HubFile,
  blob: string,
  { onProgress }: HubCacheOptions,
): Promise<void> {
  const partial = `${blob}.incomplete`;
  await mkdir(dirname(blob), { recursive: true });
  let done = (await stat(partial).catch(() => null))?.size ?? 0;
  if (done > file.sizeBytes) {
    await rm(partial);
    done = 0;
  }
  const output = await open(partial, 'a');
  try {
    // Chunk by chunk: what came before a break is on disk, and the next run goes on from there.
    if (done < file.sizeBytes) {
      for await (const chunk of await remote.download(file, done)) {
        await output.writeFile(chunk);
        done += chunk.length;
        onProgress?.(file.path, done, file.sizeBytes);
      }
    }
    await toDisk(output.fd);
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    const message = `hub: ${file.path} broke off after ${done} of ${file.sizeBytes} bytes. Run again; it goes on from there.`;
    throw new CheckpointError(message, { path: file.path, done }, { cause: error });
  } finally {
    await output.close();
  }
  if (done < file.sizeBytes) {
    const message = `hub: ${file.path} must have ${file.sizeBytes} bytes, got ${done}. Run again; it goes on from there.`;
    throw new CheckpointError(message, { path: file.path, done });
  }
  if ((await hashOfFile(partial, file)) !== file.hash) {
    await rm(partial);
    throw damaged(file.path, file.hash);
  }
  await rename(partial, blob);
}

async function hashOfFile(path: string, { hash, sizeBytes }: HubFile): Promise<string> {
  const digest = createHash(hash.length === 64 ? 'sha256' : 'sha1');
  if (hash.length === 40) digest.update(gitBlobHeader(sizeBytes));
  for await (const chunk of createReadStream(path)) digest.update(chunk);
  return digest.digest('hex');
}

/** The snapshot's entry for a blob: a relative link, or a copy where links need rights that the user lacks (Windows). */
async function link(blob: string, pointer: string): Promise<void> {
  await mkdir(dirname(pointer), { recursive: true });
  await symlink(relative(dirname(pointer), blob), pointer).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return;
    await copyFile(blob, pointer);
  });
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
