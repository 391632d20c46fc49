import { normKernels } from '../backends/families.ts';
import { record } from '../core/autograd.ts';
import { tidy } from '../core/scope.ts';
import { sizeOf } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { notNegative } from '../core/value-checks.ts';
import { checkOperands, floatOnly, sameDType, shapeIs } from './checks.ts';
import { normGradients } from './norm-gradients.ts';
import { contiguous } from './views.ts';

/**
 * Root-mean-square norm over the last axis: `x / sqrt(mean(x^2) + eps) * weight` (Zhang and Sennrich, 2019).
 *
 * @param x `[..., N]`
 * @param weight `[N]`, or null for 1
 * @throws ShapeError | DTypeError
 */
export function rmsNorm(x: Tensor, weight: Tensor | null = null, eps = 1e-6): Tensor {
  return tidy(() => {
    const device = checkOperands('rmsNorm', { x }, { weight });
    notNegative('rmsNorm', 'eps', eps);
    floatOnly('rmsNorm', x, weight);
    sameDType('rmsNorm', x, weight);
    const N = x.shape.at(-1) ?? 1;
    if (weight) shapeIs('rmsNorm', 'weight', weight.shape, [N], '[N]');
    const source = contiguous(x);
    const out = allocateTensor(device, x.shape, x.dtype);
    const rstd = allocateTensor(device, [sizeOf(x.shape.slice(0, -1))], 'f32');
    normKernels.on(device.backend).rmsNorm(source.view, weight?.view ?? null, eps, out.view, rstd.view);
    record(
      [out],
      [source, weight],
      weight ? [source, rstd, weight] : [source, rstd],
      ([gradient], [sx, sRstd, sWeight = null], _needs, destination) => {
        const saved = { x: sx, weight: sWeight, mean: null, rstd: sRstd };
        const to = { x: destination(0, sx), weight: sWeight && destination(1, sWeight, true), bias: null };
        return normGradients(saved, gradient!, to).slice(0, 2);
      },
    );
    return out;
  });
}

/**
 * Layer norm over the last axis: `(x - mean) / sqrt(variance + eps) * weight + bias` (Ba et al., 2016).
 *
 * @param x `[..., N]`
 * @param weight `[N]` or null
 * @param bias `[N]` or null
 * @throws ShapeError | DTypeError
 */
export function layerNorm(x: Tensor, weight: Tensor | null = null, bias: Tensor | null = null, eps = 1e-5): Tensor {
  return tidy(() => {
    const device = checkOperands('layerNorm', { x }, { weight, bias });
    notNegative('layerNorm', 'eps', eps);
    floatOnly('layerNorm', x, weight, bias);
    sameDType('layerNorm', x, weight, bias);
    const N = x.shape.at(-1) ?? 1;
    if (weight) shapeIs('layerNorm', 'weight', weight.shape, [N], '[N]');
    if (bias) shapeIs('layerNorm', 'bias', bias.shape, [N], '[N]');
    const source = contiguous(x);
    const out = allocateTensor(device, x.shape, x.dtype);
    const rows = [sizeOf(x.shape.slice(0, -1))];
    const mean = allocateTensor(device, rows, 'f32');
    const rstd = allocateTensor(device, rows, 'f32');
    normKernels
      .on(device.backend)
      .layerNorm(source.view, weight?.view ?? null, bias?.view ?? null, eps, out.view, mean.view, rstd.view);
    const likeBias = bias && { device, shape: [N], dtype: x.dtype };
    record(
      [out],
      [source, weight, bias],
      weight ? [source, mean, rstd, weight] : [source, mean, rstd],
      ([gradient], [sx, sMean, sRstd, sWeight = null], _needs, destination) => {
        const saved = { x: sx, weight: sWeight, mean: sMean, rstd: sRstd };
        return normGradients(saved, gradient!, {
          x: destination(0, sx),
          weight: sWeight && destination(1, sWeight, true),
          bias: likeBias && destination(2, likeBias, true),
        });
      },
    );
    return out;
  });
}
