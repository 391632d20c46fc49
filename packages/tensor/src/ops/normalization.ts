import { record } from '../core/autograd.ts';
import { parameterSum } from '../core/gradient-memory.ts';
import { tidy } from '../core/scope.ts';
import { sizeOf } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { floatOnly, sameDevice, sameDType, shapeIs } from './checks.ts';
import { contiguous } from './views.ts';

/**
 * Root-mean-square norm over the last axis: `x / sqrt(mean(x^2) + eps) * weight` (Zhang and Sennrich, 2019).
 *
 * @param x `[..., N]`
 * @param weight `[N]`, or null for 1
 * @throws ShapeError | DTypeError
 */
export function rmsNorm(x: Tensor, weight: Tensor | null, eps = 1e-6): Tensor {
  return tidy(() => {
    const device = sameDevice('rmsNorm', x, weight);
    floatOnly('rmsNorm', x);
    sameDType('rmsNorm', x, weight);
    const N = x.shape.at(-1) ?? 1;
    if (weight) shapeIs('rmsNorm', 'weight', weight.shape, [N], '[N]');
    const source = contiguous(x);
    const out = allocateTensor(device, x.shape, x.dtype);
    const rstd = allocateTensor(device, [sizeOf(x.shape.slice(0, -1))], 'f32');
    device.backend.rmsNorm(source.view, weight?.view ?? null, eps, out.view, rstd.view);
    record(
      [out],
      [source, weight],
      weight ? [source, rstd, weight] : [source, rstd],
      ([gradient], [sx, sRstd, sWeight], _needs, inputs) => {
        const dx = allocateTensor(device, sx.shape, sx.dtype);
        const sum = sWeight ? parameterSum(inputs[1], sWeight) : null;
        device.backend.rmsNormBackward(
          sx.view,
          sWeight?.view ?? null,
          sRstd.view,
          contiguous(gradient!).view,
          dx.view,
          sum?.tensor.view ?? null,
          sum?.accumulate,
        );
        return [dx, sum?.tensor ?? null];
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
export function layerNorm(x: Tensor, weight: Tensor | null, bias: Tensor | null, eps = 1e-5): Tensor {
  return tidy(() => {
    const device = sameDevice('layerNorm', x, weight, bias);
    floatOnly('layerNorm', x);
    sameDType('layerNorm', x, weight, bias);
    const N = x.shape.at(-1) ?? 1;
    if (weight) shapeIs('layerNorm', 'weight', weight.shape, [N], '[N]');
    if (bias) shapeIs('layerNorm', 'bias', bias.shape, [N], '[N]');
    const source = contiguous(x);
    const out = allocateTensor(device, x.shape, x.dtype);
    const rows = [sizeOf(x.shape.slice(0, -1))];
    const mean = allocateTensor(device, rows, 'f32');
    const rstd = allocateTensor(device, rows, 'f32');
    device.backend.layerNorm(
      source.view,
      weight?.view ?? null,
      bias?.view ?? null,
      eps,
      out.view,
      mean.view,
      rstd.view,
    );
    const hasBias = bias !== null;
    record(
      [out],
      [source, weight, bias],
      weight ? [source, mean, rstd, weight] : [source, mean, rstd],
      ([gradient], [sx, sMean, sRstd, sWeight]) => {
        const dx = allocateTensor(device, sx.shape, sx.dtype);
        const dWeight = sWeight ? allocateTensor(device, [N], sWeight.dtype) : null;
        const dBias = hasBias ? allocateTensor(device, [N], sx.dtype) : null;
        device.backend.layerNormBackward(
          sx.view,
          sWeight?.view ?? null,
          sMean.view,
          sRstd.view,
          contiguous(gradient!).view,
          dx.view,
          dWeight?.view ?? null,
          dBias?.view ?? null,
        );
        return [dx, dWeight, dBias];
      },
    );
    return out;
  });
}
