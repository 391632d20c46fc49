import type { AttentionProblem } from '../src/attention/attention-problem.ts';
import type { AttentionJob } from './attention-measure.ts';

/** The depth part of a training step at its last block: readers of a model, slots that its last block reads. */
interface DepthShape {
  readonly name: string;
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly Hkv: number;
  readonly S: number;
}

const SHAPES: readonly DepthShape[] = [
  { name: '700m', B: 1, T: 4096, H: 16, Hkv: 8, S: 70 },
  { name: 'study-24', B: 16, T: 512, H: 6, Hkv: 2, S: 46 },
];

/** Every reader adds to all slots' f32 gradients, on fragments, against deferred gradients on vectors and one gather a writer. */
export function depthGradientJobs(): AttentionJob[] {
  return SHAPES.flatMap(({ name, B, T, H, Hkv, S }): AttentionJob[] => {
    const problem: AttentionProblem = {
      ...{ B, T, Tk: T, H, Hkv, D: 64, Dv: 64, dtype: 'f16', scale: 1 / 8, causal: true, hasSequence: false },
      depth: { S, segments: [S], Td: T, chunk: 1, chunkPhase: 0 },
    };
    const job = { direction: 'both', runs: 9, check: true } as const;
    return [
      {
        ...job,
        name: `depthgrad ${name} S=${S} added up`,
        problem: { ...problem, depthGrad: { dtype: 'f32', accumulate: true } },
        config: { depth: 'matrix' },
        check: false,
      },
      { ...job, name: `depthgrad ${name} S=${S} deferred`, problem: { ...problem, defersDepth: true }, readers: S / 2 },
    ];
  });
}

/** Bytes that a depth pass must move: 0 for others. */
export function depthBytes(label: string, { problem, readers = 0 }: AttentionJob): number {
  const { B, T, H, Hkv, D, Dv, depth, depthGrad } = problem;
  const rows = B * T * H * 2;
  const stream = (depth?.S ?? 0) * B * T * Hkv * (D + Dv) * 2;
  const weights = (depth?.S ?? 0) * B * T * H * 4;
  if (/depth-(vector-)?forward/.test(label)) return stream + rows * (D + Dv);
  if (label.includes('depth-vector-backward')) return stream + weights + rows * (2 * D + Dv);
  if (label.includes('depth-backward')) {
    const added = depthGrad?.accumulate ? 2 : 1;
    return stream + rows * (2 * D + Dv) + (stream * added * (depthGrad?.dtype === 'f32' ? 4 : 2)) / 2;
  }
  if (label.includes('depth-gather')) return readers * (rows * (D + Dv) + 8 * B * T * H) + 4 * B * T * Hkv * (D + Dv);
  return 0;
}
