import type { AttentionProblem, DeviceCapabilities, KernelPass } from '@modajs/kernels';
import { foldWorkgroups } from '@modajs/kernels';
import { ablationParams, read, withTypes, write } from './ablation-pass.ts';
import rowStats from './row-stats.wgsl';

/** `stats` f32 [H,T] of (lse, delta), which every backward pass of the steps reads; bytes in `rowStatsBytes`. */
export function rowStatsPass(problem: AttentionProblem, capabilities: DeviceCapabilities): KernelPass {
  return {
    label: 'ablation-row-stats',
    shader: withTypes(rowStats, { Element: problem.dtype }),
    constants: { D: problem.D },
    bindings: [read('out'), read('dOut'), read('lse'), write('stats')],
    uniform: ablationParams(problem),
    workgroups: foldWorkgroups(Math.ceil((problem.T * problem.H) / 64), capabilities),
  };
}

export function rowStatsBytes({ T, H }: AttentionProblem): number {
  return T * H * 8;
}
