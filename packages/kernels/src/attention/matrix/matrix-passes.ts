import type { DeviceCapabilities } from '../../plan/capabilities.ts';
import { reads, writes } from '../../plan/pass-bindings.ts';
import type { KernelPass, PassBinding } from '../../plan/plan.ts';
import { specialize } from '../../plan/specialize.ts';
import { unroll } from '../../plan/unroll.ts';
import type { AttentionConfig, MatrixTile } from '../attention-config.ts';
import type { AttentionProblem } from '../attention-problem.ts';
import type { KeySource } from '../key-source.ts';
import { bindKeys, sourceBindings } from '../rows/rows-passes.ts';
import { type SourceStep, sourceParams } from '../source-params.ts';
import matrixDkv from './matrix-dkv.wgsl';
import matrixDq from './matrix-dq.wgsl';
import matrixForward from './matrix-forward.wgsl';
import { chooseMatrixTile, type MatrixKernel } from './matrix-tiles.ts';

/** One pass of a subgroup-matrix kernel over the sequence source, which must be the first source of its problem. */
export function matrixPass(
  kernel: MatrixKernel,
  problem: AttentionProblem,
  source: KeySource,
  step: SourceStep,
  capabilities: DeviceCapabilities,
  config: AttentionConfig,
): KernelPass {
  const { B, T, H, Hkv, D, Dv } = problem;
  const ownsKeys = kernel !== 'forward' && kernel !== 'dq';
  const tile = chooseMatrixTile(kernel, problem, capabilities, config[kernel]);
  const owned = tile.subgroups * tile.fragments * 16;
  const rows = ownsKeys ? source.positions : (T * H) / Hkv;
  return {
    label: `attention-matrix-${kernel} ${tile.subgroups}x${tile.fragments * 16}x${tile.block} D=${D} Dv=${Dv}`,
    shader: specialize(
      config.unroll === false ? SHADERS[kernel] : unroll(SHADERS[kernel], tileBounds(kernel, tile, D, Dv)),
      {
        ...tileConstants(kernel, tile, D, Dv),
        ...(ownsKeys ? { G: `${H / Hkv}u`, ACCUMULATES: `${step.accumulate}` } : {}),
      },
    ),
    constants: {},
    bindings: [...sourceBindings(problem, source), ...KERNEL_BINDINGS[kernel](source)],
    uniform: sourceParams(problem, source, step),
    workgroups: [Math.ceil(rows / owned), B * Hkv, 1],
  };
}

const SHADERS: Record<MatrixKernel, string> = {
  forward: matrixForward,
  dq: matrixDq,
  dk: matrixDkv,
  dv: matrixDkv,
  dkv: matrixDkv,
};

function keyBindings(source: KeySource): PassBinding[] {
  return [...reads('dOut', 'stats'), bindKeys(source.dk, 'read_write'), bindKeys(source.dv, 'read_write')];
}

const KERNEL_BINDINGS: Record<MatrixKernel, (source: KeySource) => PassBinding[]> = {
  forward: () => writes('out', 'lse'),
  dq: () => [...reads('dOut', 'stats'), ...writes('dq')],
  dk: keyBindings,
  dv: keyBindings,
  dkv: keyBindings,
};

function tileConstants(kernel: MatrixKernel, tile: MatrixTile, D: number, Dv: number): Record<string, string> {
  const shared = { SUBGROUPS: `${tile.subgroups}u`, D: `${D}u`, Dv: `${Dv}u` };
  if (kernel === 'forward' || kernel === 'dq')
    return { ...shared, ROW_FRAGMENTS: `${tile.fragments}u`, KEYS: `${tile.block}u` };
  const outputs = { HAS_DK: `${kernel !== 'dv'}`, HAS_DV: `${kernel !== 'dk'}` };
  return { ...shared, ...outputs, KEY_FRAGMENTS: `${tile.fragments}u`, ROWS: `${tile.block}u` };
}

/** Iterations of the loops over fragments, by the text of their bounds in the shaders. */
function tileBounds(kernel: MatrixKernel, tile: MatrixTile, D: number, Dv: number): Record<string, number> {
  const threads = tile.subgroups * 32;
  const isRows = kernel === 'forward' || kernel === 'dq';
  const block = isRows ? 'KEYS' : 'ROWS';
  const width = (dim: number) => Math.ceil(dim / 16) * 2;
  return {
    K_FRAGMENTS: Math.ceil(D / 16),
    V_FRAGMENTS: Math.ceil(Dv / 16),
    [isRows ? 'ROW_FRAGMENTS' : 'KEY_FRAGMENTS']: tile.fragments,
    K_LOADS: Math.ceil((tile.block * width(D)) / threads),
    V_LOADS: Math.ceil((tile.block * width(Dv)) / threads),
    [`${block} / 16u`]: tile.block / 16,
    [`${block} / 8u`]: tile.block / 8,
    [`${block} / 4u`]: tile.block / 4,
    '2u': 2,
  };
}
