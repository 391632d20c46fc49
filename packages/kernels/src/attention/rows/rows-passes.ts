import type { DeviceCapabilities } from '../../plan/capabilities.ts';
import { foldWorkgroups } from '../../plan/fold-workgroups.ts';
import { reads, writes } from '../../plan/pass-bindings.ts';
import type { KernelPass, PassBinding } from '../../plan/plan.ts';
import type { AttentionProblem } from '../attention-problem.ts';
import { withElementTypes } from '../element-type.ts';
import type { KeyOperand, KeySource } from '../key-source.ts';
import { type SourceStep, sourceParams } from '../source-params.ts';
import rowsDepthDq from './rows-depth-dq.wgsl';
import rowsDkv from './rows-dkv.wgsl';
import rowsDq from './rows-dq.wgsl';
import rowsForward from './rows-forward.wgsl';

/**
 * `forward`, `dq`: a workgroup a query row, any shape, any device, and the fastest form for single-token decoding; `depth-dq`: of one depth source with
 * chunk 1, with the pairs (p, dS) from which `planDepthGather` makes the slots' gradients; `dkv`: dk and dv (dDepthK and dDepthV), a workgroup a key.
 */
export type RowsKernel = 'forward' | 'dq' | 'depth-dq' | 'dkv';

const SHADERS: Record<RowsKernel, string> = {
  forward: rowsForward,
  dq: rowsDq,
  'depth-dq': rowsDepthDq,
  dkv: rowsDkv,
};

/** One pass over one source that takes a row at a time. */
export function rowsPass(
  kernel: RowsKernel,
  problem: AttentionProblem,
  source: KeySource,
  step: SourceStep,
  capabilities: DeviceCapabilities,
): KernelPass {
  const { dtype, B, T, H, Hkv, D, Dv } = problem;
  const Gradient = source.kind === 'depth' ? (problem.depthGrad?.dtype ?? dtype) : dtype;
  return {
    label: `attention-rows-${kernel}${kernel === 'depth-dq' ? '' : ` ${source.kind}`} D=${D} Dv=${Dv}`,
    shader: withElementTypes(SHADERS[kernel], kernel === 'dkv' ? { Element: dtype, Gradient } : { Element: dtype }),
    constants: { D, Dv },
    bindings: rowsBindings(kernel, problem, source),
    uniform: sourceParams(problem, source, step),
    workgroups: foldWorkgroups(kernel === 'dkv' ? source.slots * B * source.positions * Hkv : B * T * H, capabilities),
  };
}

function rowsBindings(kernel: RowsKernel, problem: AttentionProblem, source: KeySource): PassBinding[] {
  const inputs = sourceBindings(problem, source);
  const gradientInputs = reads('dOut', 'stats');
  switch (kernel) {
    case 'forward':
      return [...inputs, ...writes('out', 'lse')];
    case 'dq':
      return [...inputs, ...gradientInputs, ...writes('dq')];
    case 'depth-dq':
      return [...inputs.slice(0, 3), ...gradientInputs, ...writes('dq', 'depthPairs')];
    case 'dkv':
      return [...inputs, ...gradientInputs, bindKeys(source.dk, 'read_write'), bindKeys(source.dv, 'read_write')];
  }
}

/** q, k, v and docRange; without documents q stands in for the last, which is then never read. */
export function sourceBindings(problem: AttentionProblem, source: KeySource): PassBinding[] {
  return [
    ...reads('q'),
    bindKeys(source.k, 'read'),
    bindKeys(source.v, 'read'),
    ...reads(problem.hasDocRange ? 'docRange' : 'q'),
  ];
}

/** A binding of one key operand's slice. */
export function bindKeys(operand: KeyOperand, access: PassBinding['access']): PassBinding {
  return operand.range ? { buffer: operand.buffer, access, range: operand.range } : { buffer: operand.buffer, access };
}
