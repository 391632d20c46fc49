import type { MatmulJob } from '../job.ts';
import type { BenchSession } from './bench-target.ts';
import { assertAccurate, type Measurement } from './measurement.ts';
import { blockValue, fillBlocks } from './random-blocks.ts';
import { randomValue } from './random-value.ts';

const SEEDS = { a: 77, b: 88 } as const;

/** Norm of the error over the norm of the truth that a product may have: a few roundings of its result's storage. */
export const MATMUL_TOLERANCE = { f32: 1e-5, f16: 2e-3 } as const;

/** Fills, runs once, compares sampled elements with f64, then times. @throws KernelError for a wrong result */
export async function measureMatmul(job: MatmulJob, session: BenchSession): Promise<Measurement> {
  const { batch, M, N, K, dtype, outDtype, copies } = job;
  const { memory } = session;
  if (job.weights) {
    await memory.fill('x', M * K, dtype, SEEDS.a);
    await fillBlocks(job.weights, copies * N * K, memory);
  } else {
    await memory.fill('a', batch * M * K, dtype, SEEDS.a);
    await memory.fill('b', batch * N * K * copies, dtype, SEEDS.b);
  }
  memory.allocate('out', batch * M * N, outDtype);
  const product = await session.matmul(job);
  await product.run();
  await session.check();
  const errors = { out: await sampledError(job, session) };
  const tolerance = MATMUL_TOLERANCE[outDtype];
  assertAccurate(job.id, product.implementation, errors, tolerance);
  const timing = await product.time(job.runs);
  await session.check();
  const { implementation, isTuned } = product;
  return { implementation, isTuned, forward: timing, errors, tolerance };
}

/** On 7 rows x 61 columns of the first entry, spread over the matrix and its edges. */
async function sampledError({ M, N, K, layout, weights }: MatmulJob, { memory }: BenchSession): Promise<number> {
  let wrong = 0;
  let norm = 0;
  for (let i = 0; i < Math.min(7, M); i++) {
    const row = Math.round((i * (M - 1)) / Math.max(1, Math.min(7, M) - 1));
    const got = await memory.read('out', row * N, N);
    const left = Float64Array.from({ length: K }, (_, k) =>
      randomValue(layout[0] === 'T' ? k * M + row : row * K + k, SEEDS.a),
    );
    for (let j = 0; j < 61; j++) {
      const column = Math.round((j * (N - 1)) / 60);
      let sum = 0;
      for (let k = 0; k < K; k++)
        sum +=
          left[k]! *
          (weights
            ? blockValue(weights, column * K + k)
            : randomValue(layout[1] === 'T' ? column * K + k : k * N + column, SEEDS.b));
      wrong += (got[column]! - sum) ** 2;
      norm += sum ** 2;
    }
  }
  return Math.sqrt(wrong / norm);
}
