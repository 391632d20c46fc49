import { stat } from 'node:fs/promises';
import { ConfigError } from '@modajs/tensor';
import { type OpenedRun, type OpenRunOptions, openRun as openRunAt, type RunPlace } from '../open/open-run.ts';
import { FolderStorage } from './folder-storage.ts';

/**
 * `openRun` of `@modajs/train`, for which a text that is no address is the path of a run's folder.
 *
 * @throws ConfigError when there is no such folder; as `openRun`
 */
export async function openRun(place: RunPlace, options: OpenRunOptions = {}): Promise<OpenedRun> {
  if (typeof place !== 'string' || /^(https?|blob|data):/.test(place)) return openRunAt(place, options);
  if (!(await stat(place).catch(() => null))?.isDirectory()) {
    throw new ConfigError(`openRun: ${place} must be a run's folder, there is none. Check the path.`, { place });
  }
  return openRunAt(new FolderStorage(place), options);
}
