import { planNormRope, planNormRopeBackward } from '@modajs/kernels';
import type { Tensor } from '@modajs/tensor';
import { floatDType, type WebGpuKernels } from '@modajs/tensor/extend';

/** What does not lie in tensors. */
export interface NormRopeForm {
  readonly scope: 'full' | 'head' | 'none';
  readonly eps: number;
  readonly theta: number;
  readonly frequencies: readonly number[] | undefined;
  readonly isInterleaved: boolean;
}

/** `packed` and `rstd` are null without a norm; `weight` and `dWeight` without a weight. */
interface ForwardTensors {
  readonly packed: Tensor;
  readonly weight: Tensor | null;
  readonly positions: Tensor;
  readonly rstd: Tensor | null;
  /** Memory of different storages. */
  readonly k: Tensor;
  readonly v: Tensor;
}

interface BackwardTensors extends Omit<ForwardTensors, 'packed' | 'k' | 'v'> {
  readonly packed: Tensor | null;
  readonly dk: Tensor;
  readonly dv: Tensor;
  /** Overwritten. */
  readonly dPacked: Tensor;
  readonly dWeight: Tensor | null;
}

/** `normRopeSplit` in one pass each way; all tensors row-major. */
export interface NormRopeSplitKernels {
  forward(form: NormRopeForm, tensors: ForwardTensors): void;
  /** @param accumulate add to dWeight */
  backward(form: NormRopeForm, tensors: BackwardTensors, accumulate: boolean): void;
}

export function normRopeSplitKernels(kernels: WebGpuKernels): NormRopeSplitKernels {
  const start = (tensor: Tensor): number => kernels.bindingOf(tensor.view).start;
  const maybe = (tensor: Tensor | null): number | null => tensor && start(tensor);
  const sizes = (keys: Tensor) => {
    const [B, T, H, D] = keys.shape;
    return { dtype: floatDType('normRopeSplit', keys.dtype), tokens: B * T, H, D, stride: 2 * H * D };
  };
  return {
    forward(form, { packed, weight, positions, rstd, k, v }) {
      const offsets = {
        x: start(packed),
        weight: maybe(weight),
        positions: start(positions),
        out: start(k),
        rstd: maybe(rstd) ?? 0,
        v: start(v),
      };
      const problem = { ...sizes(k), ...form, rotaryDim: k.shape[3], offsets };
      const operands = { x: packed.view, weight: weight?.view ?? null, positions: positions.view, out: k.view };
      kernels.run(`norm-rope ${JSON.stringify(problem)}`, (device) => planNormRope(problem, device), {
        ...operands,
        rstd: rstd?.view ?? null,
        v: v.view,
      });
    },
    backward({ eps: _, ...form }, { packed, weight, positions, rstd, dk, dv, dPacked, dWeight }, accumulate) {
      const offsets = {
        x: maybe(packed) ?? 0,
        weight: maybe(weight),
        positions: start(positions),
        rstd: maybe(rstd) ?? 0,
        dOut: start(dk),
        dx: start(dPacked),
        dWeight: maybe(dWeight),
        dV: start(dv),
      };
      const weightGradient = dWeight ? { dtype: floatDType('weight gradient', dWeight.dtype), accumulate } : undefined;
      const problem = { ...sizes(dk), ...form, weightGradient, offsets };
      kernels.run(`norm-rope-backward ${JSON.stringify(problem)}`, (device) => planNormRopeBackward(problem, device), {
        x: packed?.view ?? null,
        weight: weight?.view ?? null,
        positions: positions.view,
        rstd: rstd?.view ?? null,
        dOut: dk.view,
        dx: dPacked.view,
        dWeight: dWeight?.view ?? null,
        dV: dv.view,
      });
    },
  };
}
