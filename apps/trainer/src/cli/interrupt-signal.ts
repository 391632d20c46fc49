import { EXIT } from './exit-codes.ts';

/**
 * A signal for a clean end: aborted by the first Ctrl-C, SIGTERM or SIGUSR2 (which `mpirun` forwards, and which Slurm sends
 * ahead of a time limit when asked); the second quits at once.
 */
export function interruptSignal(onFirst: () => void): AbortSignal {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
    onFirst();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  process.on('SIGUSR2', handle);
  return controller.signal;
}
