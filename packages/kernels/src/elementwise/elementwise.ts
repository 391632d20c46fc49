import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { DTYPES } from '../plan/dtype-table.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { writes } from '../plan/pass-bindings.ts';
import type { KernelDType, KernelPlan, PassBinding } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import {
  collapseLayout,
  isVectorLayout,
  type StridedOperand,
  stridedParams,
  toVectorLayout,
} from '../plan/strided-layout.ts';
import { FLOAT_FAMILIES, INTEGER_FAMILY } from './operators.ts';

const WORKGROUP = 256;
const UNREAD = 'unread';

/** One elementwise operator on strided operands of one dtype and shape. */
export interface ElementwiseProblem {
  /** One of `elementwiseOperators`. */
  readonly op: string;
  readonly shape: readonly number[];
  /** One, two or three inputs, as the operator has. */
  readonly inputs: readonly StridedOperand[];
  readonly out: StridedOperand;
  /** Per input: it is `out` itself (same memory, strides and offset) and is not bound. */
  readonly isOut?: readonly boolean[];
  /** Parameters of `affine`, `powScalar`, `clamp` and `softcap`; whole numbers for integers. */
  readonly alpha?: number;
  readonly beta?: number;
}

interface Family {
  readonly source: string;
  readonly number: number;
  readonly names: readonly string[];
  readonly isOutConstants: readonly string[];
}

const NAMES = [['x'], ['a', 'b'], ['a', 'b', 'c']] as const;
const IS_OUT = ['A_IS_OUT', 'B_IS_OUT', 'C_IS_OUT'];

function familyOf(op: string, count: number, dtype: KernelDType): Family | null {
  const { isFloat } = DTYPES[dtype];
  const names = NAMES[count - 1];
  const family = isFloat ? FLOAT_FAMILIES[count - 1] : INTEGER_FAMILY;
  const number = family?.numbers.get(op);
  if (!names || !family || number === undefined) return null;
  const isOutConstants = isFloat && count === 1 ? ['IN_PLACE'] : IS_OUT.slice(0, isFloat ? count : IS_OUT.length);
  return { source: family.source, number, names, isOutConstants };
}

/** @throws KernelError for an operator that does not take these inputs, or f16 on a device without it */
function validated({ op, inputs, out }: ElementwiseProblem, caps: DeviceCapabilities): Family {
  const family = familyOf(op, inputs.length, out.dtype);
  if (!family) {
    throw new KernelError(
      `kernels: ${op} must be an operator of ${inputs.length} ${out.dtype} inputs, which it is not. Cast the operands, or use one of elementwiseOperators(${inputs.length}).`,
      { op, inputs: inputs.length, dtype: out.dtype },
    );
  }
  if (inputs.some(({ dtype }) => dtype !== out.dtype)) {
    const got = inputs.map(({ dtype }) => dtype).join(', ');
    throw new KernelError(
      `kernels: ${op} needs operands of one dtype, got ${got} and out ${out.dtype}. Cast them first.`,
    );
  }
  requireDTypes(op, caps, out.dtype);
  return family;
}

function elementTypes(dtype: KernelDType, isVector: boolean): Record<string, string> {
  if (!DTYPES[dtype].isFloat) return { Element: dtype };
  if (!isVector) return { Element: dtype, Value: 'f32', Bits: 'u32' };
  return { Element: `vec4<${dtype}>`, Value: 'vec4<f32>', Bits: 'vec4<u32>' };
}

/**
 * Plans `out = op(inputs)` element by element. Operands: `x`, or `a b`, or `a b c`; `out`.
 * Reads and writes four numbers at a time when every operand is contiguous along the innermost dimension and
 * aligned to four; else one at a time with any strides. An empty shape gives no passes.
 *
 * @throws KernelError when more than six dimensions remain after merging, for mixed dtypes, and for f16 without `caps.f16`
 */
export function planElementwise(problem: ElementwiseProblem, caps: DeviceCapabilities): KernelPlan {
  const family = validated(problem, caps);
  const { op, shape, inputs, out, isOut = [], alpha = 0, beta = 0 } = problem;
  const operands = [...inputs, out];
  const offsets = operands.map(({ offset }) => offset);
  const collapsed = collapseLayout(
    shape,
    operands.map(({ strides }) => strides),
  );
  const { isFloat } = DTYPES[out.dtype];
  const isVector = isFloat && isVectorLayout(collapsed, offsets);
  const layout = isVector ? toVectorLayout(collapsed) : collapsed;
  const uniform = stridedParams(op, layout, isVector ? offsets.map((offset) => offset / 4) : offsets, alpha, beta);
  if (!isFloat) new Int32Array(uniform).set([alpha | 0, beta | 0], 1);
  const size = layout.shape.reduce((product, extent) => product * extent, 1);
  if (size === 0) return { passes: [], workspace: {} };

  const constants: Record<string, number> = { OP: family.number, RANK: layout.shape.length };
  family.isOutConstants.forEach((name, i) => {
    constants[name] = isOut[i] ? 1 : 0;
  });
  const named: PassBinding[] = family.names.map((name, i) => ({ buffer: isOut[i] ? UNREAD : name, access: 'read' }));
  // The integer shader always has three inputs; the ones an operator lacks repeat the last.
  while (!isFloat && named.length < 3) named.push(named[named.length - 1]!);
  const bindings: PassBinding[] = [...named, ...writes('out')];
  return {
    passes: [
      {
        label: `${op} ${out.dtype}${isVector ? ' vec4' : ''}`,
        shader: shaderVariant(family.source, elementTypes(out.dtype, isVector)),
        constants,
        bindings,
        uniform,
        workgroups: foldWorkgroups(Math.ceil(size / WORKGROUP), caps),
      },
    ],
    workspace: isOut.some(Boolean) ? { [UNREAD]: 16 } : {},
  };
}
