import { withRecording } from '../core/autograd.ts';
import { ShapeError } from '../core/errors.ts';
import { uniformAt } from '../core/philox.ts';
import { tidy } from '../core/scope.ts';
import { formatShape, sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkOptions, flag, type OptionChecks, streamPosition, wholeNumber } from '../core/value-checks.ts';
import { checkOperands, floatOnly } from './checks.ts';
import { randomUniform, tensor } from './creation.ts';
import { equal, greater, less, maximum, mul, where } from './elementwise.ts';
import { argmax, max } from './reductions.ts';
import { topk } from './sort.ts';
import { cumsum } from './tiling.ts';
import { notFinite } from './unary.ts';
import { cast, unsqueeze } from './views.ts';

export interface MultinomialOptions {
  /** Whole number, 0 or more: the same seed draws the same items. */
  readonly seed: number;
  /** Numbers of the seed's stream to skip. */
  readonly offset?: number;
  /** Whether an item may be drawn again; false by default, as in PyTorch. */
  readonly replacement?: boolean;
}

const MULTINOMIAL_OPTIONS: OptionChecks<MultinomialOptions> = {
  seed: streamPosition,
  offset: streamPosition,
  replacement: flag,
};

/**
 * Draws n items by their weights, PyTorch's `multinomial`: probs `[..., N]` to indices `[..., n]`, i32. Weights need not add up to 1; they
 * are computed in f32. For given weights `cpu` and `webgpu` draw the very same items, for nothing but sums and products decides.
 *
 * A draw for which there is no item is -1: in a row with a negative, infinite or NaN weight or without a positive one, and without
 * replacement after the last item of positive weight. (Nobody waits for the values, so it cannot throw.)
 *
 * @throws ShapeError for probs without an axis, or for more than N draws without replacement; DTypeError for integers; ConfigError
 */
export function multinomial(probs: Tensor, n: number, options: MultinomialOptions): Tensor {
  checkOperands('multinomial', { probs });
  floatOnly('multinomial', probs);
  wholeNumber('multinomial', 'n', n, 1);
  checkOptions('multinomial', options, MULTINOMIAL_OPTIONS, ['seed']);
  const { seed, offset = 0, replacement = false } = options;
  const N = probs.shape.at(-1) ?? 0;
  if (N === 0 || (!replacement && n > N)) {
    throw new ShapeError(
      `multinomial: probs must have ${replacement ? 'an axis with items' : `${n} items or more to draw ${n} without replacement`}, got ${formatShape(probs.shape)}.`,
      { shape: probs.shape, n },
    );
  }
  return withRecording(false, () =>
    tidy(() => {
      const wide = cast(probs.detach(), 'f32');
      const isWrong = max(maximum(notFinite(wide), less(wide, 0)), { axes: -1, keepDims: true });
      const weights = where(isWrong, 0, wide);
      return replacement ? drawEach(weights, n, seed, offset) : drawDistinct(weights, n, seed, offset);
    }),
  );
}

/** Where a uniform share of the total falls among the sums of the weights. */
function drawEach(weights: Tensor, n: number, seed: number, offset: number): Tensor {
  const { device, shape } = weights;
  const sums = mul(cumsum(weights), greater(weights, 0));
  const total = max(sums, { axes: -1, keepDims: true });
  const share = mul(randomUniform([...shape.slice(0, -1), n], { seed, offset, device }), total);
  // Sums may fall by a rounding: the first item that reaches beyond the share, of those with a weight.
  const isBeyond = greater(unsqueeze(sums, -2), unsqueeze(share, -1));
  return orNone(argmax(isBeyond), max(isBeyond, { axes: -1 }));
}

/** Efraimidis and Spirakis (2006): the items with the largest weight / e, e exponential; made on the host, where all devices' are equal. */
function drawDistinct(weights: Tensor, n: number, seed: number, offset: number): Tensor {
  const size = sizeOf(weights.shape);
  const factors = Float32Array.from(
    { length: size },
    (_, i) => -1 / Math.log1p(-uniformAt(offset + i, seed) - 2 ** -25),
  );
  const { values, indices } = topk(mul(weights, tensor(factors, { shape: weights.shape, device: weights.device })), n);
  return orNone(indices, values);
}

/** The index, or -1 where `found` is 0. */
function orNone(index: Tensor, found: Tensor): Tensor {
  return where(equal(found, 0), -1, index);
}
