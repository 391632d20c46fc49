import type { AttentionProblem } from '../attention/attention-problem.ts';
import type { MatmulProblem } from '../matmul/matmul-problem.ts';

/** Rows up to which every count is a class of its own: products of few rows have kernels of their own. */
const FEW = 8;

/** Products that share their fastest configuration: storage, layout, and sizes to the nearest power of two. */
export function matmulClass({ M, N, K, batch, a, b, out }: MatmulProblem): string {
  const layout = `${a.transposed ? 'T' : 'N'}${b.transposed ? 'T' : 'N'}`;
  const isAligned = [a.ld, b.ld, out.ld].every((ld) => ld % 8 === 0);
  const sizes = `M${bucket(M)} N${bucket(N)} K${bucket(K)}`;
  return `${a.dtype} ${b.dtype} ${out.dtype} ${layout} ${sizes}${batch > 1 ? ' batched' : ''}${isAligned ? '' : ' ragged'}`;
}

/** Sequence parts of attention that share their fastest tiles. */
export function sequenceClass({ T, H, Hkv, D, Dv, dtype, causal }: AttentionProblem): string {
  return `sequence ${dtype} D${D} Dv${Dv} G${H / Hkv} T${bucket(T)}${causal ? ' causal' : ''}`;
}

/** Depth parts that share their fastest configuration. */
export function depthClass({ H, Hkv, D, Dv, dtype, depth, defersDepth }: AttentionProblem): string {
  const slots = `S${bucket(depth?.S ?? 0)}${defersDepth ? ' deferred' : ''}`;
  return `depth ${dtype} D${D} Dv${Dv} G${H / Hkv} ${slots}`;
}

function bucket(extent: number): number {
  return extent <= FEW ? extent : Math.max(2 * FEW, 2 ** Math.round(Math.log2(extent)));
}
