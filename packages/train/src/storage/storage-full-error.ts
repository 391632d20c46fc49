import { StorageError } from './storage-error.ts';

/** The medium has no room for what was to be written. What was on it before is unchanged. */
export class StorageFullError extends StorageError {
  override readonly name: string = 'StorageFullError';
}
