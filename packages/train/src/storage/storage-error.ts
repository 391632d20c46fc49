import { ModaError } from '@modajs/tensor';

/** A file or folder of a run that the medium does not let be read or written; `details.code` is the system's name for why. */
export class StorageError extends ModaError {
  override readonly name: string = 'StorageError';
}
