import type { AttentionProblem } from '@modajs/kernels';
import type { AttentionJob, BenchJob, DepthGatherJob } from '../job.ts';

/** The depth part of a training step at its last block: the paper's 700M model and its layer study. */
const SHAPES = [
  { name: '700m', B: 1, T: 4096, H: 16, Hkv: 8, S: 70 },
  { name: 'study-24', B: 16, T: 512, H: 6, Hkv: 2, S: 46 },
] as const;

/** Every reader adding to all slots' f32 gradients, against deferred gradients and one gather a writer; published sizes. */
export function depthGradientJobs(): BenchJob[] {
  return SHAPES.flatMap(({ name, B, T, H, Hkv, S }): BenchJob[] => {
    const problem: AttentionProblem = {
      B,
      T,
      Tk: T,
      H,
      Hkv,
      D: 64,
      Dv: 64,
      dtype: 'f16',
      scale: 1 / 8,
      causal: true,
      hasSequence: false,
      depth: { S, segments: [S], Td: T, chunk: 1, chunkPhase: 0 },
    };
    const shared = { preset: 'moda', runs: 9 } as const;
    const attention = { kind: 'attention', direction: 'both', implementation: 'shipped' } as const;
    const addedUp: AttentionJob = {
      ...shared,
      ...attention,
      id: `moda/gradient/${name}/added-up`,
      name: `depth ${name} S=${S}, gradients added up in f32`,
      problem: { ...problem, depthGrad: { dtype: 'f32', accumulate: true } },
    };
    const deferred: AttentionJob = {
      ...shared,
      ...attention,
      id: `moda/gradient/${name}/deferred`,
      name: `depth ${name} S=${S}, gradients deferred`,
      problem: { ...problem, defersDepth: true },
    };
    const gather: DepthGatherJob = {
      ...shared,
      kind: 'depth-gather',
      id: `moda/gradient/${name}/gather`,
      name: `depth ${name}, gather of ${S / 2} readers`,
      problem,
      readers: S / 2,
    };
    return [addedUp, deferred, gather];
  });
}
