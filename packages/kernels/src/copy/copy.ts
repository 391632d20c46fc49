import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { DTYPES } from '../plan/dtype-table.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelDType, KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import {
  collapseLayout,
  isVectorLayout,
  type StridedOperand,
  stridedParams,
  toVectorLayout,
} from '../plan/strided-layout.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import copySource from './copy.wgsl';
import fillSource from './fill.wgsl';

const WORKGROUP = 256;

/** `out = x` with the dtype converted; both strided. */
export interface CopyProblem {
  readonly shape: readonly number[];
  readonly x: StridedOperand;
  /** No zero strides. */
  readonly out: StridedOperand;
}

/**
 * Plans a strided copy with conversion. Operands: `x`, `out`. An empty shape gives no passes.
 *
 * @throws KernelError when more than six dimensions remain after merging, and for f16 without `caps.f16`
 */
export function planCopy({ shape, x, out }: CopyProblem, caps: DeviceCapabilities): KernelPlan {
  requireDTypes('copy', caps, x.dtype, out.dtype);
  const collapsed = collapseLayout(shape, [x.strides, out.strides]);
  const offsets = [x.offset, out.offset];
  const isVector = isVectorLayout(collapsed, offsets);
  const layout = isVector ? toVectorLayout(collapsed) : collapsed;
  const uniform = stridedParams('copy', layout, isVector ? offsets.map((offset) => offset / 4) : offsets, 0, 0);
  const size = layout.shape.reduce((product, extent) => product * extent, 1);
  if (size === 0) return { passes: [], workspace: {} };
  const element = (dtype: KernelDType) => (isVector ? `vec4<${dtype}>` : dtype);
  return {
    passes: [
      {
        label: `copy ${x.dtype} to ${out.dtype}${isVector ? ' vec4' : ''}`,
        shader: shaderVariant(copySource, { Input: element(x.dtype), Output: element(out.dtype) }),
        constants: { RANK: layout.shape.length },
        bindings: [...reads('x'), ...writes('out')],
        uniform,
        workgroups: foldWorkgroups(Math.ceil(size / WORKGROUP), caps),
      },
    ],
    workspace: {},
  };
}

/** `size` elements of `out` from `offset` become `value`. */
export interface FillProblem {
  readonly dtype: KernelDType;
  readonly size: number;
  readonly offset: number;
  readonly value: number;
}

function valueBits(dtype: KernelDType, value: number): number {
  const word = new DataView(new ArrayBuffer(4));
  if (dtype === 'i32') word.setInt32(0, value);
  else if (dtype === 'u32') word.setUint32(0, value);
  else word.setFloat32(0, value);
  return word.getUint32(0);
}

/**
 * Plans `out = value`. Operand: `out`. A size of 0 gives no passes.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planFill({ dtype, size, offset, value }: FillProblem, caps: DeviceCapabilities): KernelPlan {
  requireDTypes('fill', caps, dtype);
  if (size === 0) return { passes: [], workspace: {} };
  const isVector = size % 4 === 0 && offset % 4 === 0;
  const count = isVector ? size / 4 : size;
  return {
    passes: [
      {
        label: `fill ${dtype}${isVector ? ' vec4' : ''}`,
        shader: shaderVariant(fillSource, {
          Element: isVector ? `vec4<${dtype}>` : dtype,
          Source: DTYPES[dtype].computed,
          Single: dtype,
        }),
        constants: {},
        bindings: writes('out'),
        uniform: uniformBlock([count, isVector ? offset / 4 : offset, valueBits(dtype, value), 0]),
        workgroups: foldWorkgroups(Math.ceil(count / WORKGROUP), caps),
      },
    ],
    workspace: {},
  };
}
