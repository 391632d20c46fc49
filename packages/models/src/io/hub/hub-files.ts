import { CheckpointError, type Platform, type PlatformFetch } from '@modajs/tensor';

/** A repository of the hub at one revision. */
export interface HubRepository {
  readonly type: 'model' | 'dataset';
  /** `owner/name`. */
  readonly name: string;
  /** Branch, tag or commit; `main` by default. */
  readonly revision?: string;
}

/** How the hub is reached. */
export interface HubOptions {
  /** Base address; Hugging Face's hub by default. */
  readonly endpoint?: string;
  /** Access token for private and gated repositories; it is sent to `endpoint` only. */
  readonly token?: string;
  /** For tests, proxies and mirrors. */
  readonly fetch?: PlatformFetch;
}

/** A file of a repository. */
export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 of the content (64 hexadecimal digits; large files), or Git's blob hash (40 digits). */
  readonly hash: string;
}

/** Files of one commit of a repository. */
export interface HubFiles {
  /** The commit that the revision names now; every file comes from it. */
  commit(): Promise<string>;
  /** Paths of the files below a folder, sorted. */
  list(folder: string): Promise<string[]>;
  /** Size and hash of a file, or null when there is none. */
  find(path: string): Promise<HubFile | null>;
  /** The bytes of a file from `from` on. They are not checked yet. */
  download(file: HubFile, from: number): Promise<Platform<'ReadableStream'>>;
  /** The whole file in memory, compared with its hash; null when there is none. */
  read(path: string): Promise<Uint8Array | null>;
}

const NAME = /^[\w-][\w.-]*\/[\w-][\w.-]*$/;
const COMMIT = /^[0-9a-f]{40}$/;
const HASH = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * Lets only those paths of a repository reach a file system that stay below a folder of ours: `/` between names, none of
 * them `.`, `..`, hidden, or with a character that some file system reads otherwise.
 *
 * @throws CheckpointError for any other path
 */
export function requireSafeHubPath(path: string, what = 'a file of the hub has a plain relative path'): void {
  const isSafe = path.split('/').every((part) => /^[\w-][\w.+ -]*$/.test(part) && !/[. ]$/.test(part));
  if (!isSafe || path.length > 1024) throw malformed(what, path);
}

/**
 * Opens a repository of the Hugging Face hub through `@huggingface/hub` (Xet storage included). Nothing is asked before
 * the first method is called. The revision is resolved to a commit once, so that a push in between cannot mix two versions.
 *
 * @throws CheckpointError for a malformed name or revision; the methods throw it when the repository does not exist, access
 *   is denied, there is no network, or what comes is not what the hub's hash says
 */
export function openHubFiles(repository: HubRepository, options: HubOptions = {}): HubFiles {
  const { type, name, revision = 'main' } = repository;
  if (!NAME.test(name)) throw malformed('a repository is named owner/name', name);
  requireSafeHubPath(revision, 'a revision is a branch, a tag or a commit');
  const { endpoint: hubUrl = 'https://huggingface.co', token: accessToken, fetch } = options;
  const shared = { hubUrl, fetch, ...(accessToken ? { accessToken } : {}) };
  const repo = { type, name };
  const library = () => import('@huggingface/hub');
  const asking = <T>(what: string, ask: () => Promise<T>) =>
    ask().catch((error) => Promise.reject(explained(error, `${hubUrl}/${name}`, what)));

  let pinned: Promise<string> | undefined;
  const files: HubFiles = {
    commit() {
      pinned ??= COMMIT.test(revision) ? Promise.resolve(revision) : asking(revision, resolve);
      pinned.catch(() => (pinned = undefined));
      return pinned;
    },
    async list(folder) {
      requireSafeHubPath(folder);
      const commit = await files.commit();
      return asking(folder, async () => {
        const paths: string[] = [];
        const { listFiles } = await library();
        for await (const entry of listFiles({ ...shared, repo, revision: commit, path: folder })) {
          if (entry.type === 'file') paths.push(entry.path);
        }
        return paths.sort();
      });
    },
    async find(path) {
      requireSafeHubPath(path);
      const commit = await files.commit();
      const [found] = await asking(path, async () =>
        (await library()).pathsInfo({ ...shared, repo, revision: commit, paths: [path] }),
      );
      if (found === undefined || found.path !== path || found.type !== 'file') return null;
      const hash = found.lfs?.oid ?? found.oid ?? '';
      const sizeBytes = found.lfs?.size ?? found.size;
      if (!HASH.test(hash) || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
        throw malformed(`${path} has a hash and a size`, hash);
      return { path, sizeBytes, hash };
    },
    async download({ path }, from) {
      const commit = await files.commit();
      return asking(path, async () => {
        const blob = await (await library()).downloadFile({ ...shared, repo, revision: commit, path });
        if (blob === null) throw malformed(`${path} is at the commit it is listed at`, 'nothing');
        return (from === 0 ? blob : blob.slice(from)).stream() as ReadableStream<Uint8Array>;
      });
    },
    async read(path) {
      const file = await files.find(path);
      if (file === null) return null;
      const stream = await files.download(file, 0);
      const bytes = await asking(path, async () => new Uint8Array(await new Response(stream).arrayBuffer()));
      if ((await hashOf(bytes, file.hash)) !== file.hash) throw damaged(path, file.hash);
      return bytes;
    },
  };
  return files;

  async function resolve(): Promise<string> {
    const { modelInfo, datasetInfo } = await library();
    const query = { ...shared, name, revision, additionalFields: ['sha' as const] };
    const { sha } = await (type === 'model' ? modelInfo(query) : datasetInfo(query));
    if (typeof sha !== 'string' || !COMMIT.test(sha))
      throw malformed('the hub names a commit of 40 digits', String(sha));
    return sha;
  }
}

/** What a file's content hashes to, in the kind of `hash`. */
async function hashOf(bytes: Uint8Array, hash: string): Promise<string> {
  const content = hash.length === 64 ? bytes : new Uint8Array([...gitBlobHeader(bytes.length), ...bytes]);
  const digest = await crypto.subtle.digest(
    hash.length === 64 ? 'SHA-256' : 'SHA-1',
    content as Uint8Array<ArrayBuffer>,
  );
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What Git hashes before a blob's content. */
export function gitBlobHeader(sizeBytes: number): Uint8Array {
  return new TextEncoder().encode(`blob ${sizeBytes}\0`);
}

/** The error of a file whose content is not what the hub's hash says. */
export function damaged(path: string, hash: string): CheckpointError {
  return new CheckpointError(`hub: ${path} must have the hash ${hash}, it has another. Download it again.`, {
    path,
    hash,
  });
}

function malformed(rule: string, got: string): CheckpointError {
  return new CheckpointError(`hub: ${rule}, got ${JSON.stringify(got.slice(0, 120))}. Check the name.`, { got });
}

/** The hub's and the network's errors in this project's words; our own pass. */
function explained(error: unknown, address: string, what: string): Error {
  if (error instanceof CheckpointError) return error;
  const status = (error as { statusCode?: number }).statusCode;
  if (status === undefined) {
    const message = `hub: ${address} must be reachable for ${what}, it is not (${(error as Error).message}). Is there a network? Give a folder instead.`;
    return new CheckpointError(message, { address, reachable: false }, { cause: error });
  }
  const cure =
    status === 401 || status === 403
      ? 'Does the repository exist, and does HF_TOKEN allow it?'
      : 'Check the repository, the revision and the file.';
  return new CheckpointError(
    `hub: ${address} must give ${what}, got status ${status}. ${cure}`,
    { address, status },
    { cause: error },
  );
}
