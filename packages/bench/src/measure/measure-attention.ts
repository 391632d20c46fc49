import type { AttentionJob } from '../job.ts';
import { ATTENTION_SEEDS, AttentionSampler } from './attention-sampler.ts';
import type { BenchSession } from './bench-target.ts';
import { assertAccurate, type Measurement } from './measurement.ts';

/** Error relative to the largest true value of a sampled row: f16 weights and a rounding of the result, or f32 sums. */
export const ATTENTION_TOLERANCE = { f32: 1e-4, f16: 4e-3 } as const;

/** Fills, runs each direction once, compares sampled rows with f64, then times. @throws KernelError for a wrong result */
export async function measureAttention(job: AttentionJob, session: BenchSession): Promise<Measurement> {
  const { problem, implementation, config, runs } = job;
  const isBoth = job.direction === 'both';
  const tolerance = ATTENTION_TOLERANCE[problem.dtype];
  const sampler = new AttentionSampler(problem, session.memory);
  await fillOperands(job, session);
  const forward = await session.attentionForward({ problem, implementation, config });
  await forward.run();
  await session.check();
  await sampler.checkForward();
  assertAccurate(job.id, forward.implementation, sampler.errors.all(), tolerance);
  const forwardTiming = await forward.time(runs);
  await session.check();
  if (!isBoth) {
    const { implementation: kernels, isTuned } = forward;
    return { implementation: kernels, isTuned, forward: forwardTiming, errors: sampler.errors.all(), tolerance };
  }
  const backward = await session.attentionBackward({ problem, implementation, config });
  await backward.run();
  await session.check();
  await sampler.checkBackward();
  const errors = sampler.errors.all();
  const both = `${forward.implementation}; ${backward.implementation}`;
  assertAccurate(job.id, both, errors, tolerance);
  const backwardTiming = await backward.time(runs);
  await session.check();
  const isTuned = forward.isTuned === undefined ? undefined : forward.isTuned || backward.isTuned;
  return { implementation: both, isTuned, forward: forwardTiming, backward: backwardTiming, errors, tolerance };
}

async function fillOperands({ problem, direction }: AttentionJob, { memory }: BenchSession): Promise<void> {
  const { B, T, Tk, H, Hkv, D, Dv, depth, dtype, hasSequence } = problem;
  const gradient = problem.depthGrad?.dtype ?? dtype;
  await memory.fill('q', B * T * H * D, dtype, ATTENTION_SEEDS.q);
  if (hasSequence) {
    await memory.fill('k', B * Tk * Hkv * D, dtype, ATTENTION_SEEDS.k);
    await memory.fill('v', B * Tk * Hkv * Dv, dtype, ATTENTION_SEEDS.v);
  }
  const slots = depth && depth.S > 0 ? depth.segments[0]! * B * depth.Td * Hkv : 0;
  if (slots > 0) {
    await memory.fill('depthK0', slots * D, dtype, ATTENTION_SEEDS.depthK0);
    await memory.fill('depthV0', slots * Dv, dtype, ATTENTION_SEEDS.depthV0);
  }
  memory.allocate('out', B * T * H * Dv, dtype);
  memory.allocate('lse', B * H * T, 'f32');
  if (direction === 'forward') return;
  await memory.fill('dOut', B * T * H * Dv, dtype, ATTENTION_SEEDS.dOut);
  memory.allocate('dq', B * T * H * D, dtype);
  if (hasSequence) {
    memory.allocate('dk', B * Tk * Hkv * D, dtype);
    memory.allocate('dv', B * Tk * Hkv * Dv, dtype);
  }
  if (problem.defersDepth) memory.allocate('depthPairs', (depth?.S ?? 0) * B * T * H * 2, dtype);
  else if (slots > 0) {
    memory.allocate('dDepthK0', slots * D, gradient);
    memory.allocate('dDepthV0', slots * Dv, gradient);
  }
}
