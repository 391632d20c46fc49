/** One rank of `collective.mpi.test.ts`: runs every claim about collectives over MPI and prints what came out as JSON. */
import { joinMpiJob } from '../src/node/mpi/join-mpi-job.ts';
import { COLLECTIVE_CLAIMS } from './collective-contract.ts';

const collective = await joinMpiJob();
if (!collective) throw new Error('mpi-ranks: start it with mpirun.');
for (const [name, { run }] of Object.entries(COLLECTIVE_CLAIMS)) {
  const result = await run(collective);
  // JSON has no NaN.
  const values = Array.isArray(result) ? result.map(String) : result;
  process.stdout.write(`${JSON.stringify({ rank: collective.rank, name, values })}\n`);
}
await collective.close();
