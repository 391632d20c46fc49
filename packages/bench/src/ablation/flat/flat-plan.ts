import {
  type AttentionProblem,
  type DeviceCapabilities,
  type KernelPass,
  type KernelPlan,
  unroll,
} from '@modajs/kernels';
import { ablationParams, read, withTypes, write } from '../ablation-pass.ts';
import { rowStatsBytes, rowStatsPass } from '../row-stats-pass.ts';
import flatDkv from './flat-dkv.wgsl';
import flatDq from './flat-dq.wgsl';
import flatForward from './flat-forward.wgsl';

const TILE = 32;

/** Steps 2 and 3, forward: one flash kernel over the sequence and the flattened depth stream; `hasChunkRange` is step 3. */
export function planFlatForward(
  problem: AttentionProblem,
  hasChunkRange: boolean,
  capabilities: DeviceCapabilities,
): KernelPlan {
  const bindings = [...keys(['q']), write('out'), write('lse')];
  return { passes: [rowPass('forward', problem, hasChunkRange, flatForward, bindings, capabilities)], workspace: {} };
}

/** Their backward: dq like the forward, then the gradients of keys and values tile by tile, sequence and depth. */
export function planFlatBackward(
  problem: AttentionProblem,
  hasChunkRange: boolean,
  capabilities: DeviceCapabilities,
): KernelPlan {
  return {
    passes: [
      rowStatsPass(problem, capabilities),
      rowPass(
        'dq',
        problem,
        hasChunkRange,
        flatDq,
        [...keys(['q']), read('dOut'), read('stats'), write('dq')],
        capabilities,
      ),
      columnPass(problem, hasChunkRange, false, capabilities),
      columnPass(problem, hasChunkRange, true, capabilities),
    ],
    workspace: { stats: rowStatsBytes(problem) },
  };
}

function keys(before: readonly string[]): KernelPass['bindings'][number][] {
  return [...before, 'k', 'v', 'depthK0', 'depthV0'].map(read);
}

function rowPass(
  name: string,
  problem: AttentionProblem,
  hasChunkRange: boolean,
  shader: string,
  bindings: KernelPass['bindings'],
  capabilities: DeviceCapabilities,
): KernelPass {
  const { T, H, D, dtype } = problem;
  return {
    label: `ablation-${hasChunkRange ? 'chunk-range' : 'flat'}-${name}`,
    shader: withTypes(writtenOut(shader, D, capabilities), { Element: dtype, D: `${D}u` }),
    constants: { CHUNK_RANGE: Number(hasChunkRange) },
    bindings,
    uniform: ablationParams(problem),
    workgroups: [Math.ceil(T / TILE), H, 1],
  };
}

function columnPass(
  problem: AttentionProblem,
  hasChunkRange: boolean,
  isDepth: boolean,
  capabilities: DeviceCapabilities,
): KernelPass {
  const { T, Hkv, D, dtype, depth } = problem;
  const [k, v] = isDepth ? ['depthK0', 'depthV0'] : ['k', 'v'];
  const [dk, dv] = isDepth ? ['dDepthK0', 'dDepthV0'] : ['dk', 'dv'];
  const gradient = isDepth ? (problem.depthGrad?.dtype ?? dtype) : dtype;
  const columns = isDepth ? T * depth!.S : T;
  return {
    label: `ablation-${hasChunkRange ? 'chunk-range' : 'flat'}-dkv ${isDepth ? 'depth' : 'sequence'}`,
    shader: withTypes(writtenOut(flatDkv, D, capabilities), { Element: dtype, Gradient: gradient, D: `${D}u` }),
    constants: { CHUNK_RANGE: Number(hasChunkRange), IS_DEPTH: Number(isDepth) },
    bindings: [...['q', k!, v!, 'dOut', 'stats'].map(read), write(dk!), write(dv!)],
    uniform: ablationParams(problem),
    workgroups: [Math.ceil(columns / TILE), Hkv, 1],
  };
}

/**
 * Loops over registers written out. Software adapters get the opposite, bounds that a compiler cannot see: theirs write every loop
 * out by themselves, for minutes, and gain nothing.
 */
function writtenOut(shader: string, D: number, { vendor, architecture }: DeviceCapabilities): string {
  const isSoftware = architecture === 'software' || architecture === 'swiftshader' || vendor === 'google';
  if (isSoftware) return shader.replace(/< (WIDTH|TILE|CHUNKS|4u); (\w+)\+\+/g, '< $1 * min(params.T, 1u); $2++');
  return unroll(shader, { CHUNKS: Math.ceil(D / 4 / 8), '4u': 4 });
}
