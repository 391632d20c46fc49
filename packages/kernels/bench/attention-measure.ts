import { planAttentionBackward } from '../src/attention/attention-backward.ts';
import type { AttentionConfig } from '../src/attention/attention-config.ts';
import { planAttentionForward } from '../src/attention/attention-forward.ts';
import { type AttentionProblem, elementBytes } from '../src/attention/attention-problem.ts';
import { openTestDevice } from '../test/device.ts';
import { AttentionSampler, type SampleErrors, SEEDS } from './attention-samples.ts';
import { BenchBuffers, prepare, timePlan } from './bench-device.ts';
import { measureGather } from './depth-gather-measure.ts';

/** One measurement, in a process of its own. */
export interface AttentionJob {
  readonly name: string;
  readonly problem: AttentionProblem;
  readonly config?: AttentionConfig;
  readonly direction: 'forward' | 'backward' | 'both';
  readonly runs: number;
  /** With `defersDepth`: layers whose weights the gather of two slots adds up, timed as a further pass. */
  readonly readers?: number;
  /** Compare sampled rows with f64. */
  readonly check?: boolean;
  /** Dawn's bounds checks: off in a trusted process, on in a browser. */
  readonly robustness?: boolean;
}

/** What a job found; times in ms. */
export interface AttentionMeasurement {
  readonly name: string;
  readonly adapter: string;
  readonly forwardMs: readonly number[];
  readonly backwardMs: readonly number[];
  readonly passMs: Record<string, number>;
  readonly errors: SampleErrors;
}

/** Allocates, fills, runs, times and checks one problem. */
export async function measureAttention(job: AttentionJob): Promise<AttentionMeasurement> {
  const enable = job.robustness ? [] : ['disable_robustness', 'disable_workgroup_init'];
  const test = await openTestDevice({ enable });
  const buffers = new BenchBuffers(test.device);
  await fillOperands(buffers, job.problem);
  const forward = await prepare(buffers, planAttentionForward(job.problem, test.capabilities, job.config));
  const passMs: Record<string, number> = {};
  const timeForward = await timePlan(buffers, forward, job.direction === 'backward' ? 1 : job.runs);
  Object.assign(passMs, timeForward.passMs);
  let backwardMs: number[] = [];
  if (job.direction !== 'forward') {
    allocateGradients(buffers, job.problem);
    const backward = await prepare(buffers, planAttentionBackward(job.problem, test.capabilities, job.config));
    const timing = await timePlan(buffers, backward, job.runs);
    backwardMs = timing.totalMs;
    Object.assign(passMs, timing.passMs);
  }
  await test.check();
  const errors = job.check ? await new AttentionSampler(job.problem, buffers).check(job.direction !== 'forward') : {};
  if (job.readers) {
    const gather = await measureGather(buffers, job.problem, job.readers, test.capabilities, job.runs);
    Object.assign(passMs, gather.timing.passMs);
    Object.assign(errors, gather.errors);
    await test.check();
  }
  const { vendor, architecture } = test.capabilities;
  test.close();
  return {
    name: job.name,
    adapter: `${vendor} ${architecture}`,
    forwardMs: timeForward.totalMs,
    backwardMs,
    passMs,
    errors,
  };
}

async function fillOperands(buffers: BenchBuffers, problem: AttentionProblem): Promise<void> {
  const { B, T, Tk, H, Hkv, D, Dv, depth, dtype } = problem;
  await buffers.fill('q', B * T * H * D, dtype, SEEDS.q);
  if (problem.hasSequence) {
    await buffers.fill('k', B * Tk * Hkv * D, dtype, SEEDS.k);
    await buffers.fill('v', B * Tk * Hkv * Dv, dtype, SEEDS.v);
  }
  if (depth && depth.S > 0) {
    await buffers.fill('depthK0', depth.segments[0]! * B * depth.Td * Hkv * D, dtype, SEEDS.depthK0);
    await buffers.fill('depthV0', depth.segments[0]! * B * depth.Td * Hkv * Dv, dtype, SEEDS.depthV0);
  }
  await buffers.fill('dOut', B * T * H * Dv, dtype, SEEDS.dOut);
  buffers.allocate('out', B * T * H * Dv * elementBytes(dtype));
  buffers.allocate('lse', B * H * T * 4);
}

function allocateGradients(buffers: BenchBuffers, problem: AttentionProblem): void {
  const { B, T, Tk, H, Hkv, D, Dv, depth, dtype } = problem;
  const bytes = elementBytes(dtype);
  buffers.allocate('dq', B * T * H * D * bytes);
  if (problem.hasSequence) {
    buffers.allocate('dk', B * Tk * Hkv * D * bytes);
    buffers.allocate('dv', B * Tk * Hkv * Dv * bytes);
  }
  if (problem.defersDepth) buffers.allocate('depthWeights', depth!.S * B * T * H * 2 * bytes);
  else if (depth && depth.S > 0) {
    const gradientBytes = elementBytes(problem.depthGrad?.dtype ?? dtype);
    buffers.allocate('dDepthK0', depth.segments[0]! * B * depth.Td * Hkv * D * gradientBytes);
    buffers.allocate('dDepthV0', depth.segments[0]! * B * depth.Td * Hkv * Dv * gradientBytes);
  }
}
