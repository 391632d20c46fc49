import type { GradNode } from '../core/autograd.ts';
import { type GradientMemory, parameterSum } from '../core/gradient-memory.ts';
import { contiguousStrides } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { contiguous } from './views.ts';

/** What a norm's backward pass needs of the forward pass. */
export interface SavedNorm {
  /** `[..., N]`: what was normalised. */
  readonly x: Tensor;
  /** `[N]`, or null for 1. */
  readonly weight: Tensor | null;
  /** f32, one a row; null for RMSNorm. */
  readonly mean: Tensor | null;
  readonly rstd: Tensor;
}

/** Graph nodes of a norm's parameters, whose gradient memory the sums go to. */
export interface NormParameters {
  readonly weight: GradNode | null;
  /** Absent: there is no bias. */
  readonly bias?: GradNode | null;
}

/**
 * Gradients of x, weight and bias of either norm, in few kernels: x's is written or added to `memory`, those of parameters to the
 * memory of their gradients. Consumes the handle on `memory`.
 */
export function normGradients(
  { x, weight, mean, rstd }: SavedNorm,
  dOut: Tensor,
  parameters: NormParameters,
  memory: GradientMemory | null,
): [Tensor, Tensor | null, Tensor | null] {
  const { device, shape, dtype } = x;
  const dx = memory?.tensor.alias(shape, contiguousStrides(shape)) ?? allocateTensor(device, shape, dtype);
  memory?.tensor.dispose();
  const dWeight = weight && parameterSum(parameters.weight, weight);
  const biasLike = { device, shape: [shape.at(-1) ?? 1], dtype };
  const dBias = parameters.bias === undefined ? null : parameterSum(parameters.bias, biasLike);
  const added = { dx: memory?.accumulate, dWeight: dWeight?.accumulate, dBias: dBias?.accumulate };
  const [own, gradient, sum] = [weight?.view ?? null, contiguous(dOut).view, dWeight?.tensor.view ?? null];
  if (mean === null) device.backend.rmsNormBackward(x.view, own, rstd.view, gradient, dx.view, sum, added);
  else {
    const views = [x.view, own, mean.view, rstd.view, gradient, dx.view, sum] as const;
    device.backend.layerNormBackward(...views, dBias?.tensor.view ?? null, added);
  }
  return [dx, dWeight?.tensor ?? null, dBias?.tensor ?? null];
}

/**
 * `normGradients` of the sum of two tensors that is itself used with gradient `dSum`: added in place where `dSum` has its memory
 * to itself.
 */
export function sumNormGradients(
  saved: SavedNorm,
  dOut: Tensor,
  dSum: Tensor | null,
  parameters: NormParameters,
): [Tensor, Tensor | null, Tensor | null] {
  const inPlace = dSum?.isAlone && dSum.isContiguous && dSum.dtype === saved.x.dtype;
  const memory = inPlace ? { tensor: dSum.alias(), accumulate: true } : null;
  const gradients = normGradients(saved, dOut, parameters, memory);
  const [dx] = gradients;
  if (dSum && !inPlace) dx.device.backend.binary('add', dx.view, dSum.view, dx.view);
  return gradients;
}
