import type { DeviceCapabilities } from '../../plan/capabilities.ts';
import { reads, writes } from '../../plan/pass-bindings.ts';
import type { KernelPass, PassBinding } from '../../plan/plan.ts';
import { specialize } from '../../plan/specialize.ts';
import { unroll } from '../../plan/unroll.ts';
import type { AttentionProblem } from '../attention-problem.ts';
import { withElementTypes } from '../element-type.ts';
import type { KeySource } from '../key-source.ts';
import { bindKeys, sourceBindings } from '../rows/rows-passes.ts';
import { type SourceStep, sourceParams } from '../source-params.ts';
import tileDkv from './tile-dkv.wgsl';
import tileDq from './tile-dq.wgsl';
import tileForward from './tile-forward.wgsl';

const SHADERS = { forward: tileForward, dq: tileDq, dkv: tileDkv };

type TileKernel = 'forward' | 'dq' | 'dkv';

/** Packed rows (keys of dkv) of a workgroup. */
const TILE = 32;

/** Why the sequence of a problem cannot run on register tiles, or null when it can. */
export function tileObstacle(problem: AttentionProblem, capabilities: DeviceCapabilities): string | null {
  const groups = problem.B * problem.Hkv;
  const tiles = Math.ceil(Math.max((problem.T * problem.H) / problem.Hkv, problem.Tk) / TILE);
  const limit = capabilities.maxWorkgroupsPerDimension;
  return Math.max(groups, tiles) > limit ? `a grid of ${tiles} x ${groups} workgroups is above ${limit}` : null;
}

/** One register-tile pass over the sequence source, which must be the first source of its problem: f32 or f16, no device features. */
export function tilePass(
  kernel: TileKernel,
  problem: AttentionProblem,
  source: KeySource,
  step: SourceStep,
): KernelPass {
  const { B, T, H, Hkv, D, Dv, dtype } = problem;
  const rows = kernel === 'dkv' ? source.positions : (T * H) / Hkv;
  const loaded = readsFour(problem, source) ? 4 : 1;
  const bounds = { '4u': 4, ...columnBounds('D', D), ...columnBounds('V', Dv) };
  const shader = specialize(unroll(SHADERS[kernel], bounds), {
    Loaded: loaded === 4 ? 'vec4<Element>' : 'Element',
    LOADED: `${loaded}u`,
    D: `${D}u`,
    Dv: `${Dv}u`,
  });
  return {
    label: `attention-tile-${kernel} D=${D} Dv=${Dv} x${loaded}`,
    shader: withElementTypes(shader, { Element: dtype }),
    constants: {},
    bindings: [...sourceBindings(problem, source), ...KERNEL_BINDINGS[kernel](source)],
    uniform: sourceParams(problem, source, step),
    workgroups: [Math.ceil(rows / TILE), B * Hkv, 1],
  };
}

/** Whether rows of all operands start at multiples of four elements, and so can be read four at a time. */
function readsFour({ D, Dv }: AttentionProblem, { k, v }: KeySource): boolean {
  return [D, Dv, k.offset, k.batchStride, v.offset, v.batchStride].every((elements) => elements % 4 === 0);
}

/** Bounds of the loops over columns of 32, one or two of them at a time. */
function columnBounds(name: 'D' | 'V', columns: number): Record<string, number> {
  const pair = columns <= 32 ? 1 : 2;
  const chunks = Math.ceil(columns / (32 * pair));
  return { [`${name}_PAIR`]: pair, [`${name}_CHUNKS`]: chunks, [`${name}_CHUNKS * ${name}_PAIR`]: chunks * pair };
}

const GRADIENT_INPUTS: readonly PassBinding[] = reads('dOut', 'stats');

const KERNEL_BINDINGS: Record<TileKernel, (source: KeySource) => PassBinding[]> = {
  forward: () => writes('out', 'lse'),
  dq: () => [...GRADIENT_INPUTS, ...writes('dq')],
  dkv: (source) => [...GRADIENT_INPUTS, bindKeys(source.dk, 'read_write'), bindKeys(source.dv, 'read_write')],
};
