import { ModaError } from '@modajs/tensor';

/** The medium has no room for what was to be written. What was on it before is unchanged. */
export class StorageFullError extends ModaError {
  override readonly name: string = 'StorageFullError';
}
