import type { DepthReader } from '@modajs/kernels';
import type { DepthGatherJob } from '../job.ts';
import type { BenchSession } from './bench-target.ts';
import { ATTENTION_TOLERANCE } from './measure-attention.ts';
import { assertAccurate, type Measurement } from './measurement.ts';
import { randomValue } from './random-value.ts';
import { SampleErrors } from './sample-errors.ts';

const SEEDS = { q: 111, dOut: 122, depthPairs: 133 } as const;

/** Fills what a model's readers leave, gathers once, compares sampled keys with f64, then times. @throws KernelError for a wrong result */
export async function measureDepthGather(job: DepthGatherJob, session: BenchSession): Promise<Measurement> {
  const { B, T, H, Hkv, D, Dv, dtype } = job.problem;
  const pairs = B * T * H;
  const readers = readersOf(job);
  const { memory } = session;
  await memory.fill('q', job.readers * pairs * D, dtype, SEEDS.q);
  await memory.fill('dOut', job.readers * pairs * Dv, dtype, SEEDS.dOut);
  await memory.fill('depthPairs', job.readers * (job.readers + 1) * pairs * 2, dtype, SEEDS.depthPairs);
  memory.allocate('dDepthK', 2 * B * T * Hkv * D, dtype);
  memory.allocate('dDepthV', 2 * B * T * Hkv * Dv, dtype);
  const gather = await session.depthGather(job.problem, readers);
  await gather.run();
  await session.check();
  const errors = await sampledErrors(job, readers, session);
  const tolerance = ATTENTION_TOLERANCE[dtype];
  assertAccurate(job.id, gather.implementation, errors, tolerance);
  const timing = await gather.time(job.runs);
  await session.check();
  return { implementation: gather.implementation, forward: timing, errors, tolerance };
}

/** Latest reader first, as in a backward pass: reader n reads 2 (readers - n) slots. */
function readersOf({ problem, readers }: DepthGatherJob): DepthReader[] {
  const { B, T, H, scale } = problem;
  let firstPair = 0;
  return Array.from({ length: readers }, (_, row) => {
    const reader = { row, firstPair, scale };
    firstPair += 2 * (readers - row) * B * T * H;
    return reader;
  });
}

/** Three keys of each slot. */
async function sampledErrors(
  { problem }: DepthGatherJob,
  readers: readonly DepthReader[],
  { memory }: BenchSession,
): Promise<Readonly<Record<string, number>>> {
  const { B, T, H, Hkv, D, Dv } = problem;
  const [keys, G, pairs] = [B * T * Hkv, H / Hkv, B * T * H];
  const errors = new SampleErrors();
  for (const slot of [0, 1]) {
    for (const key of [0, Math.floor(keys / 3), keys - 1]) {
      const dK = new Float64Array(D);
      const dV = new Float64Array(Dv);
      for (const { row, firstPair, scale } of readers) {
        for (let g = 0; g < G; g++) {
          const at = Math.floor(key / Hkv) * H + (key % Hkv) * G + g;
          const pair = 2 * (firstPair + slot * pairs + at);
          const weight = randomValue(pair, SEEDS.depthPairs);
          const dScore = randomValue(pair + 1, SEEDS.depthPairs) * scale;
          for (let d = 0; d < D; d++) dK[d]! += dScore * randomValue((row * pairs + at) * D + d, SEEDS.q);
          for (let d = 0; d < Dv; d++) dV[d]! += weight * randomValue((row * pairs + at) * Dv + d, SEEDS.dOut);
        }
      }
      errors.note('dDepthK', await memory.read('dDepthK', (slot * keys + key) * D, D), dK);
      errors.note('dDepthV', await memory.read('dDepthV', (slot * keys + key) * Dv, Dv), dV);
    }
  }
  return errors.all();
}
