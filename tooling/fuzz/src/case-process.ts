/**
 * The process that runs cases: `node case-process.mjs '<job>'`, watched by `runTarget`. It writes lines to file descriptor 3:
 * `<case>` before each case, `bytes <base64>` for the input of a job of one case, `fault <JSON>` for a fault, `memory` before
 * it ends because a case took too much.
 */
import { readFileSync, writeSync } from 'node:fs';
import type { CaseJob, FoundFault } from './case-job.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { minimise } from './minimise.ts';
import { createRandom } from './random.ts';
import { type FuzzFault, runCase } from './run-case.ts';

const job: CaseJob = JSON.parse(process.argv[2]);
const minimiseMs = 3000;

function tell(line: string): void {
  writeSync(3, `${line}\n`);
}

function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function encoded(fault: FoundFault): string {
  return `fault ${JSON.stringify({ ...fault, bytes: Buffer.from(fault.bytes).toString('base64') })}`;
}

const { target } = (await import(job.module)) as { target: FuzzTarget };
const seeds = job.file === undefined ? await target.seeds() : [];
const startBytes = peakBytes();
const seen = new Set(job.known);

/** A seed must be read without any error. */
async function runSeedOrCase(n: number, bytes: Uint8Array): Promise<FuzzFault | null> {
  if (job.file !== undefined || n >= seeds.length) return runCase(target, bytes);
  try {
    await target.run(bytes);
    return null;
  } catch (error) {
    return { kind: 'refused seed', message: `seed ${n} must be read, got ${error}` };
  }
}

function bytesOf(n: number): Uint8Array {
  if (job.file !== undefined) return new Uint8Array(readFileSync(job.file));
  if (n < seeds.length) return seeds[n];
  const random = createRandom(job.seed, n);
  return target.mutate(random.pick(seeds), random);
}

for (let n = job.from; n < job.to; n++) {
  tell(String(n));
  const bytes = bytesOf(n);
  if (job.to === job.from + 1) tell(`bytes ${Buffer.from(bytes).toString('base64')}`);
  const fault = await runSeedOrCase(n, bytes);
  if (peakBytes() - startBytes > job.memoryBytes) {
    tell('memory');
    break;
  }
  if (!fault) continue;
  tell(encoded({ ...fault, case: n, bytes }));
  if (seen.has(fault.kind) || n < seeds.length) continue;
  seen.add(fault.kind);
  const fails = async (candidate: Uint8Array): Promise<boolean> => {
    tell(String(n));
    return (await runCase(target, candidate))?.kind === fault.kind;
  };
  tell(encoded({ ...fault, case: n, bytes: await minimise(bytes, fails, minimiseMs) }));
}
process.exit(0);
