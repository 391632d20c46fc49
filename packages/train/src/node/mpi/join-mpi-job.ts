import { setTimeout as sleep } from 'node:timers/promises';
import type { Collective } from '../../distributed/collective.ts';
import { CollectiveError, PeerFailedError } from '../../distributed/collective-error.ts';
import { MpiCollective } from './mpi-collective.ts';
import { mpiEnvironment } from './mpi-environment.ts';
import { loadMpiLibrary } from './mpi-library.ts';
import { onOneMachine } from './on-one-machine.ts';

/** What the speaker of a machine needs to print its line before the launcher ends the job. */
const SPEAKER_AHEAD_MS = 1000;

/**
 * Joins the MPI job that this process was started in by `mpirun` or `srun --mpi=pmix`; null when it was started alone.
 * Ranks of one machine meet in shared memory (unless `MODA_SHARED_MEMORY=0`). `MODA_MPI_LIBRARY` names the library when the loader does not find it.
 *
 * @throws CollectiveError when MPI cannot be used, on one rank a machine; PeerFailedError on its others
 */
export async function joinMpiJob(env: Record<string, string | undefined> = process.env): Promise<Collective | null> {
  const environment = mpiEnvironment(env);
  if (environment === null) return null;
  try {
    return await onOneMachine(new MpiCollective(await loadMpiLibrary(env['MODA_MPI_LIBRARY']), environment), env);
  } catch (error) {
    if (!(error instanceof CollectiveError) || environment.localRank === 0) throw error;
    await sleep(SPEAKER_AHEAD_MS);
    throw new PeerFailedError(error.message);
  }
}
