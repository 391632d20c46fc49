import { type AttentionProblem, blockWords, elementBytes, quantizedBytes } from '@modajs/kernels';
import type { AttentionJob, BenchJob, DepthGatherJob, MatmulJob } from './job.ts';

/** What a job must at least do: floating-point operations, and bytes moved when every operand is touched once. */
export interface BenchCost {
  readonly flops: number;
  readonly bytes: number;
}

/** The least work of a job's whole run. */
export function costOf(job: BenchJob): BenchCost {
  if (job.kind === 'matmul') return matmulCost(job);
  if (job.kind === 'depth-gather') return depthGatherCost(job);
  const forward = attentionForwardCost(job.problem);
  if (job.direction === 'forward') return forward;
  const backward = attentionBackwardCost(job.problem);
  return { flops: forward.flops + backward.flops, bytes: forward.bytes + backward.bytes };
}

function matmulCost({ batch, M, N, K, dtype, outDtype, weights }: MatmulJob): BenchCost {
  const b = weights ? quantizedBytes(weights, N, K) : N * K * elementBytes(dtype);
  return {
    flops: 2 * batch * M * N * K,
    bytes: batch * (M * K * elementBytes(dtype) + b + M * N * elementBytes(outDtype)),
  };
}

/** Two products a reader and slot. Each reader's q, dOut and pairs in, two slots' gradients out. */
function depthGatherCost({ problem, readers }: DepthGatherJob): BenchCost {
  const { B, T, H, Hkv, D, Dv, dtype } = problem;
  const pairs = B * T * H;
  return {
    flops: 4 * readers * pairs * (D + Dv),
    bytes: elementBytes(dtype) * (readers * pairs * (D + Dv + 4) + 2 * B * T * Hkv * (D + Dv)),
  };
}

/** Pairs of a query position and a key of one head: sequence keys that it sees, and its own slots. */
export function visiblePairs({ T, Tk, causal, hasSequence, depth }: AttentionProblem): number {
  const sequence = !hasSequence ? 0 : causal ? T * (Tk - T) + (T * (T + 1)) / 2 : T * Tk;
  return sequence + T * (depth?.S ?? 0);
}

/** Two products a pair. q, keys and values in, out and lse out. */
export function attentionForwardCost(problem: AttentionProblem): BenchCost {
  const { B, T, H, D, Dv, dtype } = problem;
  const rows = B * T * H;
  return {
    flops: 2 * B * H * visiblePairs(problem) * (D + Dv),
    bytes:
      rows * (D + Dv) * elementBytes(dtype) + rows * 4 + keyBytes(problem, elementBytes(dtype), elementBytes(dtype)),
  };
}

/** Five products a pair (the scores again, dP, dV, dK, dQ). Everything of the forward in, with dOut; every gradient out. */
export function attentionBackwardCost(problem: AttentionProblem): BenchCost {
  const { B, T, H, D, Dv, dtype, depthGrad, defersDepth } = problem;
  const rows = B * T * H;
  const written = defersDepth ? 0 : elementBytes(depthGrad?.dtype ?? dtype);
  const readsGradient = depthGrad?.accumulate ? written : 0;
  // Deferred: pairs (p, dS) instead of gradients.
  const pairs = defersDepth ? rows * (problem.depth?.S ?? 0) * 2 * elementBytes(dtype) : 0;
  return {
    flops: 2 * B * H * visiblePairs(problem) * (3 * D + 2 * Dv),
    bytes:
      rows * (2 * D + 2 * Dv) * elementBytes(dtype) +
      rows * 4 +
      2 * keyBytes({ ...problem, depth: null }, elementBytes(dtype), 0) +
      keyBytes({ ...problem, hasSequence: false }, 0, elementBytes(dtype) + written + readsGradient) +
      pairs,
  };
}

function keyBytes(problem: AttentionProblem, sequenceSize: number, depthSize: number): number {
  const { B, Tk, Hkv, D, Dv, hasSequence, depth } = problem;
  const sequence = hasSequence ? Tk * sequenceSize : 0;
  const stream = depth ? depth.S * problem.T * depthSize : 0;
  return B * Hkv * (D + Dv) * (sequence + stream);
}

/** Bytes of every operand of a job by name, gradients included: what must be allocated. */
export function operandBytes(job: BenchJob): Record<string, number> {
  if (job.kind === 'matmul') return matmulOperands(job);
  return job.kind === 'depth-gather' ? gatherOperands(job) : attentionOperands(job);
}

function matmulOperands({ batch, M, N, K, dtype, outDtype, copies, weights }: MatmulJob): Record<string, number> {
  if (weights) {
    const words = blockWords(weights, copies * N * K);
    return {
      x: M * K * elementBytes(dtype),
      codes: 4 * words.codes,
      scales: 4 * words.scales,
      out: M * N * elementBytes(outDtype),
    };
  }
  return {
    a: batch * M * K * elementBytes(dtype),
    b: batch * N * K * copies * elementBytes(dtype),
    out: batch * M * N * elementBytes(outDtype),
  };
}

function gatherOperands({ problem, readers }: DepthGatherJob): Record<string, number> {
  const { B, T, H, Hkv, D, Dv, dtype } = problem;
  const pairs = B * T * H;
  return {
    q: readers * pairs * D * elementBytes(dtype),
    dOut: readers * pairs * Dv * elementBytes(dtype),
    depthPairs: readers * (readers + 1) * pairs * 2 * elementBytes(dtype),
    dDepthK: 2 * B * T * Hkv * D * elementBytes(dtype),
    dDepthV: 2 * B * T * Hkv * Dv * elementBytes(dtype),
  };
}

function attentionOperands({ problem, direction }: AttentionJob): Record<string, number> {
  const { B, T, Tk, H, Hkv, D, Dv, depth, dtype, depthGrad, hasSequence } = problem;
  const size = elementBytes(dtype);
  const slots = depth && depth.S > 0 ? depth.segments[0]! * B * depth.Td * Hkv : 0;
  const keys = hasSequence ? B * Tk * Hkv : 0;
  const forward = {
    q: B * T * H * D * size,
    ...(keys > 0 ? { k: keys * D * size, v: keys * Dv * size } : {}),
    ...(slots > 0 ? { depthK0: slots * D * size, depthV0: slots * Dv * size } : {}),
    out: B * T * H * Dv * size,
    lse: B * H * T * 4,
  };
  if (direction === 'forward') return forward;
  const gradient = elementBytes(depthGrad?.dtype ?? dtype);
  return {
    ...forward,
    dOut: B * T * H * Dv * size,
    dq: B * T * H * D * size,
    ...(keys > 0 ? { dk: keys * D * size, dv: keys * Dv * size } : {}),
    ...(problem.defersDepth
      ? { depthPairs: (depth?.S ?? 0) * B * T * H * 2 * size }
      : slots > 0
        ? { dDepthK0: slots * D * gradient, dDepthV0: slots * Dv * gradient }
        : {}),
  };
}
