import type { AttentionProblem } from '@modajs/kernels';

/** Problem of the paper's tables: B = 1, D = 64, causal, f16, S = L slots, the depth gradient overwritten in f16. */
export function paperProblem(T: number, H: number, Hkv: number, L: number): AttentionProblem {
  return {
    B: 1,
    T,
    Tk: T,
    H,
    Hkv,
    D: 64,
    Dv: 64,
    dtype: 'f16',
    scale: 1 / 8,
    causal: true,
    hasSequence: true,
    depth: L > 0 ? { S: L, segments: [L], Td: T, chunk: 1, chunkPhase: 0 } : null,
    depthGrad: { dtype: 'f16', accumulate: false },
  };
}

/** `T=4096 H=64 Hkv=8 D=64 S=64 f16`. */
export function describeProblem({ T, H, Hkv, D, depth, dtype, hasSequence }: AttentionProblem): string {
  const sizes = `T=${T} H=${H} Hkv=${Hkv} D=${D} S=${depth?.S ?? 0} ${dtype}`;
  return hasSequence ? sizes : `${sizes} depth only`;
}
