import { EXIT } from './exit-codes.ts';

let isClosed = false;

/** Whether standard output went to a reader that is gone. */
export function outputIsClosed(): boolean {
  return isClosed;
}

/**
 * Keeps a command alive whose output cannot be written. Where the reader is gone (`moda train | head -3`, a terminal that was
 * closed) nothing is said; any other reason, such as a full disk behind `> log`, is told at the end and is the exit code.
 */
export function outliveOutput(): void {
  let reason: string | undefined;
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    isClosed = true;
    if (code !== 'EPIPE' && code !== 'EIO' && code !== 'ERR_STREAM_DESTROYED') reason = code;
  });
  process.stderr.on('error', () => {});
  process.on('exit', (exitCode) => {
    if (reason === undefined) return;
    process.stderr.write(`error: files: standard output must be writable, got ${reason}. What was computed is kept.\n`);
    if (exitCode === EXIT.done) process.exitCode = EXIT.refused;
  });
}
