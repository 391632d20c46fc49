import { ModaError } from '@modajs/tensor';

/** Ranks that cannot work together: no MPI library, settings or versions that differ, a rank that is gone. */
export class CollectiveError extends ModaError {
  override readonly name: string = 'CollectiveError';
}

/** Another rank failed and has said why; this one only ends. */
export class PeerFailedError extends CollectiveError {
  override readonly name: string = 'PeerFailedError';
}
