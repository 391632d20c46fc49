import type { DeviceCapabilities } from '../../plan/capabilities.ts';
import { foldWorkgroups } from '../../plan/fold-workgroups.ts';
import type { KernelPass, PassBinding } from '../../plan/plan.ts';
import type { AttentionProblem } from '../attention-problem.ts';
import { withElementTypes } from '../element-type.ts';
import type { KeyOperand, KeySource } from '../key-source.ts';
import { type SourceStep, sourceParams } from '../source-params.ts';
import rowsDepthDq from './rows-depth-dq.wgsl';
import rowsDkv from './rows-dkv.wgsl';
import rowsDq from './rows-dq.wgsl';
import rowsForward from './rows-forward.wgsl';

/** Forward of one source, a workgroup a query row: any shape, any device, and the fastest form for single-token decoding. */
export function rowsForwardPass(
  problem: AttentionProblem,
  source: KeySource,
  step: SourceStep,
  capabilities: DeviceCapabilities,
): KernelPass {
  const { B, T, H, D, Dv } = problem;
  return {
    label: `attention-rows-forward ${source.kind} D=${D} Dv=${Dv}`,
    shader: withElementTypes(rowsForward, { Element: problem.dtype }),
    constants: { D, Dv },
    bindings: [...sourceBindings(problem, source), readWrite('out'), readWrite('lse')],
    uniform: sourceParams(problem, source, step),
    workgroups: foldWorkgroups(B * T * H, capabilities),
  };
}

/** dq of one source, a workgroup a query row. */
export function rowsDqPass(
  problem: AttentionProblem,
  source: KeySource,
  step: SourceStep,
  capabilities: DeviceCapabilities,
): KernelPass {
  const { B, T, H, D, Dv } = problem;
  return {
    label: `attention-rows-dq ${source.kind} D=${D} Dv=${Dv}`,
    shader: withElementTypes(rowsDq, { Element: problem.dtype }),
    constants: { D, Dv },
    bindings: [...sourceBindings(problem, source), read('dOut'), read('stats'), readWrite('dq')],
    uniform: sourceParams(problem, source, step),
    workgroups: foldWorkgroups(B * T * H, capabilities),
  };
}

/** dq of one depth source with chunk 1, and the pairs (p, dS) from which `planDepthGather` makes the slots' gradients. */
export function rowsDepthDqPass(
  problem: AttentionProblem,
  source: KeySource,
  step: SourceStep,
  capabilities: DeviceCapabilities,
): KernelPass {
  const { B, T, H, D, Dv } = problem;
  return {
    label: `attention-rows-depth-dq D=${D} Dv=${Dv}`,
    shader: withElementTypes(rowsDepthDq, { Element: problem.dtype }),
    constants: { D, Dv },
    bindings: [
      read('q'),
      bindKeys(source.k, 'read'),
      bindKeys(source.v, 'read'),
      read('dOut'),
      read('stats'),
      readWrite('dq'),
      readWrite('depthPairs'),
    ],
    uniform: sourceParams(problem, source, step),
    workgroups: foldWorkgroups(B * T * H, capabilities),
  };
}

/** dk and dv (dDepthK and dDepthV) of one source, a workgroup a key. */
export function rowsDkvPass(
  problem: AttentionProblem,
  source: KeySource,
  step: SourceStep,
  capabilities: DeviceCapabilities,
): KernelPass {
  const { B, Hkv, D, Dv } = problem;
  const gradient = source.kind === 'depth' ? (problem.depthGrad?.dtype ?? problem.dtype) : problem.dtype;
  return {
    label: `attention-rows-dkv ${source.kind} D=${D} Dv=${Dv}`,
    shader: withElementTypes(rowsDkv, { Element: problem.dtype, Gradient: gradient }),
    constants: { D, Dv },
    bindings: [
      ...sourceBindings(problem, source),
      read('dOut'),
      read('stats'),
      bindKeys(source.dk, 'read_write'),
      bindKeys(source.dv, 'read_write'),
    ],
    uniform: sourceParams(problem, source, step),
    workgroups: foldWorkgroups(source.slots * B * source.positions * Hkv, capabilities),
  };
}

/** q, k, v and docRange; without documents q stands in for the last, which is then never read. */
export function sourceBindings(problem: AttentionProblem, source: KeySource): PassBinding[] {
  return [
    read('q'),
    bindKeys(source.k, 'read'),
    bindKeys(source.v, 'read'),
    read(problem.hasDocRange ? 'docRange' : 'q'),
  ];
}

/** A binding of one key operand's slice. */
export function bindKeys(operand: KeyOperand, access: PassBinding['access']): PassBinding {
  return operand.range ? { buffer: operand.buffer, access, range: operand.range } : { buffer: operand.buffer, access };
}

function read(buffer: string): PassBinding {
  return { buffer, access: 'read' };
}

function readWrite(buffer: string): PassBinding {
  return { buffer, access: 'read_write' };
}
