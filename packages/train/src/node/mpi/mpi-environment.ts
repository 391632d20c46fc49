/** What launchers tell a process about its job, without any MPI call. */
export interface MpiEnvironment {
  readonly size: number;
  readonly rank: number;
  /** Rank among the processes of this machine; 0 when the launcher does not say. */
  readonly localRank: number;
  readonly localSize: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The job that `mpirun` (OpenMPI, or another through PMI) or `srun --mpi=pmix` started this process in; null for a process
 * that was started alone or as the only rank.
 */
export function mpiEnvironment(env: Environment): MpiEnvironment | null {
  const isSlurmStep = env['PMIX_RANK'] !== undefined && env['SLURM_STEP_NUM_TASKS'] !== undefined;
  const size = number(env, 'OMPI_COMM_WORLD_SIZE', 'PMI_SIZE', ...(isSlurmStep ? ['SLURM_STEP_NUM_TASKS'] : []));
  if (size === null || size < 2) return null;
  return {
    size,
    rank: number(env, 'OMPI_COMM_WORLD_RANK', 'PMI_RANK', 'PMIX_RANK') ?? 0,
    localRank: number(env, 'OMPI_COMM_WORLD_LOCAL_RANK', 'MPI_LOCALRANKID', 'SLURM_LOCALID') ?? 0,
    localSize: number(env, 'OMPI_COMM_WORLD_LOCAL_SIZE', 'MPI_LOCALNRANKS', 'SLURM_TASKS_PER_NODE') ?? 1,
  };
}

/** The first of the variables that is there; Slurm writes `4(x2)` for four on each of two machines. */
function number(env: Environment, ...names: readonly string[]): number | null {
  for (const name of names) {
    const value = Number.parseInt(env[name] ?? '', 10);
    if (Number.isInteger(value)) return value;
  }
  return null;
}
