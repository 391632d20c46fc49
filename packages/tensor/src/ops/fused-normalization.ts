import { record } from '../core/autograd.ts';
import { ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { sizeOf } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import {
  checkedLater,
  checkOptions,
  flag,
  listOfNumbers,
  notNegative,
  type OptionChecks,
  orNull,
  positive,
} from '../core/value-checks.ts';
import { addNorm, normRope, normRopeGradient } from '../lower/decompositions.ts';
import { lower } from '../lower/lower.ts';
import { checkOperands, floatOnly, integersOnly, rankIs, sameDType, shapeIs } from './checks.ts';
import { sumNormGradients } from './norm-gradients.ts';
import { resultMemory } from './result-memory.ts';
import { ownFrequencies, type RopeOptions } from './rope.ts';
import { contiguous } from './views.ts';

/**
 * A residual sum and its norm in one pass: `sum = x + y`, `out = rmsNorm(sum, weight)`. Differentiable through both outputs.
 *
 * @param x `[..., N]`
 * @param y of x's shape
 * @param weight `[N]`, or null for 1
 * @throws ShapeError | DTypeError
 */
export function addRmsNorm(
  x: Tensor,
  y: Tensor,
  weight: Tensor | null = null,
  eps = 1e-6,
): { sum: Tensor; out: Tensor } {
  return tidy(() => {
    const device = checkOperands('addRmsNorm', { x, y }, { weight });
    notNegative('addRmsNorm', 'eps', eps);
    floatOnly('addRmsNorm', x, y, weight);
    sameDType('addRmsNorm', x, y, weight);
    shapeIs('addRmsNorm', 'y', y.shape, x.shape, "x's shape");
    const N = x.shape.at(-1) ?? 1;
    if (weight) shapeIs('addRmsNorm', 'weight', weight.shape, [N], '[N]');
    const [total, out] = [x, x].map(({ shape, dtype }) => allocateTensor(device, shape, dtype));
    const rstd = allocateTensor(device, [sizeOf(x.shape.slice(0, -1))], 'f32');
    const scale = weight && contiguous(weight);
    lower(device.backend, addNorm, {
      x: contiguous(x).view,
      y: contiguous(y).view,
      weight: scale?.view ?? null,
      bias: null,
      eps,
      sum: total.view,
      out: out.view,
      mean: null,
      rstd: rstd.view,
    });
    record(
      [out, total],
      [x, y, weight],
      scale ? [total, rstd, scale] : [total, rstd],
      ([dOut, dSum], [sSum, sRstd, sWeight = null], _needs, destination) => {
        if (!dOut) return [dSum, dSum, null];
        const saved = { x: sSum, weight: sWeight, mean: null, rstd: sRstd };
        const parameters = { weight: sWeight && destination(2, sWeight, true), bias: null };
        const [dx, dWeight] = sumNormGradients(saved, dOut, dSum, parameters);
        return [dx, dx, dWeight];
      },
    );
    return { sum: total, out };
  });
}

/**
 * A residual sum and its layer norm in one pass: `sum = x + y`, `out = layerNorm(sum, weight, bias)`. Differentiable through both
 * outputs.
 *
 * @param x `[..., N]`
 * @param y of x's shape
 * @param weight `[N]`, or null for 1
 * @param bias `[N]`, or null for 0
 * @throws ShapeError | DTypeError
 */
export function addLayerNorm(
  x: Tensor,
  y: Tensor,
  weight: Tensor | null = null,
  bias: Tensor | null = null,
  eps = 1e-5,
): { sum: Tensor; out: Tensor } {
  return tidy(() => {
    const device = checkOperands('addLayerNorm', { x, y }, { weight, bias });
    notNegative('addLayerNorm', 'eps', eps);
    floatOnly('addLayerNorm', x, y, weight, bias);
    sameDType('addLayerNorm', x, y, weight, bias);
    shapeIs('addLayerNorm', 'y', y.shape, x.shape, "x's shape");
    const N = x.shape.at(-1) ?? 1;
    if (weight) shapeIs('addLayerNorm', 'weight', weight.shape, [N], '[N]');
    if (bias) shapeIs('addLayerNorm', 'bias', bias.shape, [N], '[N]');
    const [total, out] = [x, x].map(({ shape, dtype }) => allocateTensor(device, shape, dtype));
    const rows = [sizeOf(x.shape.slice(0, -1))];
    const [mean, rstd] = [rows, rows].map((shape) => allocateTensor(device, shape, 'f32'));
    const scale = weight && contiguous(weight);
    lower(device.backend, addNorm, {
      x: contiguous(x).view,
      y: contiguous(y).view,
      weight: scale?.view ?? null,
      bias: bias && contiguous(bias).view,
      eps,
      sum: total.view,
      out: out.view,
      mean: mean.view,
      rstd: rstd.view,
    });
    const likeBias = bias && { device, shape: [N], dtype: x.dtype };
    record(
      [out, total],
      [x, y, weight, bias],
      scale ? [total, mean, rstd, scale] : [total, mean, rstd],
      ([dOut, dSum], [sSum, sMean, sRstd, sWeight = null], _needs, destination) => {
        if (!dOut) return [dSum, dSum, null, null];
        const saved = { x: sSum, weight: sWeight, mean: sMean, rstd: sRstd };
        const parameters = {
          weight: sWeight && destination(2, sWeight, true),
          bias: likeBias && destination(3, likeBias, true),
        };
        const [dx, dWeight, dBias] = sumNormGradients(saved, dOut, dSum, parameters);
        return [dx, dx, dWeight, dBias];
      },
    );
    return { sum: total, out };
  });
}

/** Options of `rmsNormRope`. */
export interface RmsNormRopeOptions extends Omit<RopeOptions, 'rotaryDim'> {
  /** 1e-6 by default. */
  readonly eps?: number;
  /** One norm over all heads of a position (OLMo 2) instead of one over each head (Qwen 3). */
  readonly full?: boolean;
}

const RMS_NORM_ROPE_OPTIONS: OptionChecks<RmsNormRopeOptions> = {
  eps: notNegative,
  full: flag,
  theta: positive,
  frequencies: orNull(listOfNumbers),
  interleaved: flag,
  into: checkedLater,
};

/**
 * The query and key path in one pass: `rope(rmsNorm(x, weight), positions)`, all components rotated.
 *
 * @param x `[B, T, H, D]`
 * @param weight `[H*D]` when `full`, else `[D]`; null for 1
 * @param positions i32 or u32 `[B, T]`
 * @throws ShapeError | DTypeError
 */
export function rmsNormRope(
  x: Tensor,
  weight: Tensor | null,
  positions: Tensor,
  options: RmsNormRopeOptions = {},
): Tensor {
  return tidy(() => {
    checkOptions('rmsNormRope', options, RMS_NORM_ROPE_OPTIONS);
    const { eps = 1e-6, full = false, theta = 10000, interleaved = false, into } = options;
    const device = checkOperands('rmsNormRope', { x, positions }, { weight, into });
    integersOnly('rmsNormRope', 'positions', positions);
    floatOnly('rmsNormRope', x, weight);
    sameDType('rmsNormRope', x, weight);
    rankIs('rmsNormRope', 'x', x, '[B, T, H, D]');
    const [B, T, H, D] = x.shape;
    shapeIs('rmsNormRope', 'positions', positions.shape, [B, T], '[B, T]');
    if (weight) shapeIs('rmsNormRope', 'weight', weight.shape, full ? [H * D] : [D], full ? '[H*D]' : '[D]');
    if (D % 2 !== 0) throw new ShapeError(`rmsNormRope: D must be even, got ${D}. Pad the heads.`, { D });
    const source = contiguous(x);
    const where = contiguous(positions);
    const out = resultMemory('rmsNormRope', device, x.shape, x.dtype, into);
    const rstd = allocateTensor(device, [full ? B * T : B * T * H], 'f32');
    const own = ownFrequencies('rmsNormRope', D, options.frequencies);
    const rotation = { theta, ...own, rotaryDim: D, interleaved, inverse: false };
    const scale = weight && contiguous(weight);
    lower(device.backend, normRope, {
      x: source.view,
      weight: scale?.view ?? null,
      positions: where.view,
      full,
      eps,
      out: out.view,
      rstd: rstd.view,
      rope: rotation,
    });
    record(
      [out],
      [source, weight],
      scale ? [source, rstd, where, scale] : [source, rstd, where],
      ([dOut], [sx, sRstd, sPositions, sWeight = null], _needs, destination) => {
        const dx = allocateTensor(device, sx.shape, sx.dtype);
        const sum = sWeight && destination(1, sWeight, true);
        lower(device.backend, normRopeGradient, {
          x: sx.view,
          weight: sWeight?.view ?? null,
          positions: sPositions.view,
          full,
          rstd: sRstd.view,
          rope: rotation,
          dOut: contiguous(dOut!).view,
          dx: dx.view,
          dWeight: sum?.tensor.view ?? null,
          accumulate: sum?.accumulate ?? false,
        });
        return [dx, sum?.tensor ?? null];
      },
    );
    return out;
  });
}
