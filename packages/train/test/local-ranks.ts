/**
 * The program of `local-ranks.test.ts`: starts two ranks of itself, which run every claim about collectives and print what came
 * out as JSON; then rank 1 kills itself, and rank 0 prints what it hears.
 */
import { joinLocalRanks, startLocalRanks } from '../src/node/shared-memory/local-ranks.ts';
import { COLLECTIVE_CLAIMS } from './collective-contract.ts';

const collective = await joinLocalRanks();
if (collective === null) {
  process.exitCode = await startLocalRanks(2, [process.execPath, ...process.argv.slice(1)]);
} else {
  for (const [name, { run }] of Object.entries(COLLECTIVE_CLAIMS)) {
    const result = await run(collective);
    // JSON has no NaN.
    const values = Array.isArray(result) ? result.map(String) : result;
    process.stdout.write(`${JSON.stringify({ rank: collective.rank, name, values })}\n`);
  }
  await collective.barrier();
  if (collective.rank === 1) process.kill(process.pid, 'SIGKILL');
  await collective.barrier().catch((error: Error) => {
    process.stdout.write(`${JSON.stringify({ rank: 0, name: 'after the kill', values: error.message })}\n`);
    process.exitCode = 3;
  });
}
