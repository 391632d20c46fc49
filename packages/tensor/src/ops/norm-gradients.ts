import { normKernels } from '../backends/families.ts';
import type { Destination } from '../core/destination.ts';
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

/** Where a norm's gradients go; null for parameters that it does not have. */
export interface NormDestinations {
  /** In the shape of x. */
  readonly x: Destination;
  readonly weight: Destination | null;
  readonly bias: Destination | null;
}

/** Gradients of x, weight and bias of either norm, in few kernels. */
export function normGradients(
  { x, weight, mean, rstd }: SavedNorm,
  dOut: Tensor,
  to: NormDestinations,
): [Tensor, Tensor | null, Tensor | null] {
  const [dx, dWeight, dBias] = [to.x.tensor, to.weight?.tensor ?? null, to.bias?.tensor ?? null];
  const added = { dx: to.x.accumulate, dWeight: to.weight?.accumulate, dBias: to.bias?.accumulate };
  const [scale, gradient, sum] = [weight?.view ?? null, contiguous(dOut).view, dWeight?.view ?? null];
  const backend = normKernels.on(x.device.backend);
  if (mean === null) backend.rmsNormBackward(x.view, scale, rstd.view, gradient, dx.view, sum, added);
  else {
    const views = [x.view, scale, mean.view, rstd.view, gradient, dx.view, sum] as const;
    backend.layerNormBackward(...views, dBias?.view ?? null, added);
  }
  return [dx, dWeight, dBias];
}

/**
 * `normGradients` of the sum of two tensors that is itself used with gradient `dSum`: added in place where `dSum` has its memory
 * to itself.
 */
export function sumNormGradients(
  saved: SavedNorm,
  dOut: Tensor,
  dSum: Tensor | null,
  parameters: Omit<NormDestinations, 'x'>,
): [Tensor, Tensor | null, Tensor | null] {
  const { device, shape, dtype } = saved.x;
  const inPlace = dSum?.hasNoOverlappingAlias && dSum.isContiguous && dSum.dtype === dtype;
  const tensor = inPlace ? dSum.alias(shape, contiguousStrides(shape)) : allocateTensor(device, shape, dtype);
  const gradients = normGradients(saved, dOut, { ...parameters, x: { tensor, accumulate: inPlace ?? false } });
  if (dSum && !inPlace) device.backend.binary('add', tensor.view, dSum.view, tensor.view);
  return gradients;
}
