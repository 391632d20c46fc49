import { type AttentionJob, type BenchJob, type BenchRow, costOf, emptyRow, type MatmulJob } from '@modajs/bench';
import type { BenchReply, PeerName } from '../bench-messages.ts';
import { attentionError, productError } from './check-peer.ts';
import type { Peer, PeerDevice, PreparedProduct } from './peer.ts';

const MAX_RUNS = 10;
const PATIENCE_MS = 120_000;
/** Beyond this a peer's operands and scores are not worth the risk of the page. */
const MAX_BYTES = 1 << 30;
/** An error of f32 sums in another order, relative to the largest true value. */
const TOLERANCE = 2e-3;

interface PeerContext {
  readonly signal: AbortSignal;
  readonly reply: (message: BenchReply) => void;
}

const OPEN: Readonly<Record<PeerName, (device: PeerDevice) => Promise<Peer>>> = {
  'jax-js': async (device) => (await import('./jax-peer.ts')).openJax(device),
  'TensorFlow.js': async (device) => (await import('./tensorflow-peer.ts')).openTensorFlow(device),
  'onnxruntime-web': async (device) => (await import('./onnx-peer.ts')).openOnnx(device),
};

/** Measures other libraries on the jobs, those of `peerJobs`, one after another; each loads when its turn comes. */
export async function measurePeers(
  names: readonly PeerName[],
  jobs: readonly BenchJob[],
  device: PeerDevice,
  { signal, reply }: PeerContext,
): Promise<void> {
  for (const name of names) {
    reply({ kind: 'measuring', what: `${name}, loading` });
    let peer: Peer | Error;
    try {
      peer = await withinPatience(OPEN[name](device), name);
    } catch (error) {
      peer = error as Error;
    }
    for (const job of jobs) {
      if (signal.aborted) return;
      reply({ kind: 'measuring', what: `${job.name}, ${name}` });
      if (peer instanceof Error)
        reply({ kind: 'row', row: { ...emptyRow(job, 'failed', peer.message), library: name } });
      else if (job.kind === 'matmul' || peer.attention) reply({ kind: 'row', row: await measurePeer(peer, job) });
    }
  }
}

/** A library that never answers must not keep the others waiting. @throws Error */
function withinPatience<T>(answer: Promise<T>, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`${name} did not answer within ${PATIENCE_MS / 1000} s`));
    const timer = setTimeout(late, PATIENCE_MS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** One job for each shape that all libraries can compute: f32, plain products and causal attention forward. */
export function peerJobs(jobs: readonly BenchJob[]): BenchJob[] {
  const shapes = new Map<string, BenchJob>();
  for (const job of jobs) {
    if (job.kind === 'matmul') {
      const { M, N, K, dtype, variant, batch, weights } = job;
      if (
        weights === undefined &&
        dtype === 'f32' &&
        variant === 'default' &&
        batch === 1 &&
        !shapes.has(`${M} ${N} ${K}`)
      )
        shapes.set(`${M} ${N} ${K}`, job);
    } else if (
      job.kind === 'attention' &&
      job.problem.dtype === 'f32' &&
      job.problem.hasSequence &&
      job.problem.depth === null &&
      !job.config
    ) {
      shapes.set(`${job.problem.T} ${job.problem.H}`, { ...job, direction: 'forward' });
    }
  }
  return [...shapes.values()];
}

async function measurePeer(peer: Peer, job: BenchJob): Promise<BenchRow> {
  const bytes = job.kind === 'matmul' ? costOf(job).bytes : 4 * job.problem.H * job.problem.T ** 2;
  const library = peer.label;
  if (job.kind === 'depth-gather') return { ...emptyRow(job, 'skipped', 'no other library has depth slots'), library };
  if (bytes > MAX_BYTES) {
    const reason = `takes ${(bytes / 2 ** 30).toFixed(1)} GiB; peers are given at most 1`;
    return { ...emptyRow(job, 'skipped', reason), library };
  }
  try {
    const timing = job.kind === 'matmul' ? timeProduct(peer, job) : timeAttention(peer, job);
    const { timesMs, error } = await withinPatience(timing, library);
    if (!(error <= TOLERANCE))
      return { ...emptyRow(job, 'failed', `wrong by ${error} of the largest true value`), library };
    return peerRow(job, library, timesMs, error);
  } catch (error) {
    return { ...emptyRow(job, 'failed', (error as Error).message), library };
  }
}

function peerRow(job: BenchJob, library: string, timesMs: readonly number[], error: number): BenchRow {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const medianMs = sorted[sorted.length >> 1];
  const { flops, bytes } = costOf(job);
  return {
    ...emptyRow(job, 'failed', ''),
    status: 'measured',
    reason: undefined,
    library,
    implementation: library,
    timedBy: 'wall',
    flops,
    bytes,
    total: { medianMs, minMs: sorted[0], maxMs: sorted.at(-1)!, runs: sorted.length },
    tflops: flops / medianMs / 1e9,
    errors: { out: error },
    tolerance: TOLERANCE,
  };
}

interface Timed {
  readonly timesMs: readonly number[];
  readonly error: number;
}

async function timeProduct(peer: Peer, { M, N, K, runs }: MatmulJob): Promise<Timed> {
  const [a, b] = [wave(M * K), wave(K * N)];
  const product = await peer.product(a, b, { M, N, K });
  return timed(product, runs, (out) => productError(a, b, out, { M, N, K }));
}

async function timeAttention(peer: Peer, { problem, runs }: AttentionJob): Promise<Timed> {
  const { H, T, D } = problem;
  const [q, k, v] = [0, 1, 2].map((phase) => wave(H * T * D, phase));
  const attention = await peer.attention!(q, k, v, { H, T, D });
  return timed(attention, runs, (out) => attentionError(q, k, v, out, { H, T, D }));
}

async function timed(work: PreparedProduct, runs: number, errorOf: (out: Float32Array) => number): Promise<Timed> {
  try {
    await work.run();
    const error = errorOf(await work.read());
    const timesMs: number[] = [];
    for (let i = 0; i < Math.min(MAX_RUNS, runs); i++) {
      const before = performance.now();
      await work.run();
      timesMs.push(performance.now() - before);
    }
    return { timesMs, error };
  } finally {
    work.dispose();
  }
}

/** Values between -0.5 and 0.5 that do not repeat within a row. */
function wave(size: number, phase = 0): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => 0.5 * Math.sin(phase + i * 12.9898 + (i % 769)));
}
