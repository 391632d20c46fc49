import { CLI, type CliOptions, type CliResult, runProcess } from './run-cli.ts';

/** What OpenMPI asks for from root, and a machine with fewer cores than ranks. */
const ENVIRONMENT = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };

/** Runs `moda` with arguments on several ranks. */
export function runMpi(ranks: number, args: readonly string[], options: CliOptions): Promise<CliResult> {
  return mpirun(['-n', String(ranks), process.execPath, CLI, ...args], options);
}

/** Runs mpirun with arguments of its own. */
export function mpirun(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return runProcess('mpirun', ['--oversubscribe', '--bind-to', 'none', ...args], {
    ...options,
    env: { ...ENVIRONMENT, ...options.env },
  });
}
