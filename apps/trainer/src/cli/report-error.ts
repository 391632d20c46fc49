import { ModaError } from '@modajs/tensor';
import { PeerFailedError } from '@modajs/train';
import { CommanderError } from 'commander';

/** Exit code of an error that is the user's to fix. */
export const USER_ERROR = 2;

/**
 * Prints an error as a person needs it: one line for what the user can fix, a stack for what we must.
 *
 * @returns the exit code: 0 for help, 2 for the user's errors, 1 for ours
 */
export function reportError(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed its message already.
    return error.exitCode === 0 ? 0 : USER_ERROR;
  }
  // The rank that failed says why.
  if (error instanceof PeerFailedError) return USER_ERROR;
  if (error instanceof ModaError) {
    console.error(`error: ${error.message.replaceAll('\n', ' ')}`);
    return USER_ERROR;
  }
  console.error(error);
  return 1;
}
