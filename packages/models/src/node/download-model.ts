import type { ModelFolder } from '../io/hugging-face/model-folder.ts';
import { type HubCacheOptions, openHubCache } from './hub-cache.ts';

/** Where a model comes from and where it is kept. */
export interface DownloadOptions extends HubCacheOptions {
  /** Branch, tag or commit; `main` by default. */
  readonly revision?: string;
}

/**
 * The files of a hub repository (`allenai/OLMo-2-0425-1B`), fetched when they are read, all of one commit, each compared with
 * the hub's hash, and kept in the cache that huggingface_hub uses. `HF_ENDPOINT`, `HF_TOKEN` and `HF_HOME` are obeyed.
 *
 * @throws CheckpointError for a malformed name; reading throws it when the repository does not exist, access is denied,
 *   there is no network and nothing kept, or a download breaks off (the next one goes on from there)
 */
export function downloadModel(repository: string, { revision, ...options }: DownloadOptions = {}): ModelFolder {
  return openHubCache({ type: 'model', name: repository, revision }, options);
}
