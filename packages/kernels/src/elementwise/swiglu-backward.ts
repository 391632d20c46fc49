import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { collapseLayout, isVectorLayout, stridedParams, toVectorLayout } from '../plan/strided-layout.ts';
import source from './swiglu-backward.wgsl';

const WORKGROUP = 256;

interface Input {
  /** In elements; 0 broadcasts. */
  readonly strides: readonly number[];
  readonly offset: number;
}

/** The gradients of `silu(gate) * up`, all operands of one dtype and shape. Offsets in elements. */
export interface SwigluBackwardProblem {
  readonly dtype: 'f32' | 'f16';
  readonly shape: readonly number[];
  readonly gate: Input;
  readonly up: Input;
  readonly dOut: Input;
  /** Starts of the results, which are row-major. */
  readonly offsets: { readonly dGate: number; readonly dUp: number };
}

/**
 * Plans `dGate = silu'(gate) * up * dOut` and `dUp = silu(gate) * dOut` in one pass: five tensors of traffic instead of the seven of
 * one pass each. Operands: `gate`, `up`, `dOut`, `dGate`, `dUp`. Four numbers at a time where `planElementwise` would.
 *
 * @throws KernelError when more than six dimensions remain after merging, and for f16 without `caps.f16`
 */
export function planSwigluBackward(problem: SwigluBackwardProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, shape, gate, up, dOut, offsets } = problem;
  requireDTypes('swiglu backward', caps, dtype);
  const rowMajor = shape.map((_, d) => shape.slice(d + 1).reduce((product, extent) => product * extent, 1));
  const collapsed = collapseLayout(shape, [gate.strides, up.strides, dOut.strides, rowMajor]);
  const starts = [gate.offset, up.offset, dOut.offset, offsets.dGate, offsets.dUp];
  const isVector = isVectorLayout(collapsed, starts);
  const layout = isVector ? toVectorLayout(collapsed) : collapsed;
  const inElements = isVector ? starts.map((start) => start / 4) : starts;
  const uniform = stridedParams('swiglu backward', layout, inElements.slice(0, 4), 0, 0);
  new Uint32Array(uniform)[3] = inElements[4]!;
  const size = layout.shape.reduce((product, extent) => product * extent, 1);
  if (size === 0) return { passes: [], workspace: {} };
  return {
    passes: [
      {
        label: `swiglu-backward ${dtype}${isVector ? ' vec4' : ''}`,
        shader: shaderVariant(
          source,
          isVector ? { Element: `vec4<${dtype}>`, Value: 'vec4<f32>' } : { Element: dtype, Value: 'f32' },
        ),
        constants: { RANK: layout.shape.length },
        bindings: [...reads('gate', 'up', 'dOut'), ...writes('dGate', 'dUp')],
        uniform,
        workgroups: foldWorkgroups(Math.ceil(size / WORKGROUP), caps),
      },
    ],
    workspace: {},
  };
}
