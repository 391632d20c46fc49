import { add, affine, ConfigError, linear, QuantizedMatrix, quantizedLinear, shown, type Tensor } from '@modajs/tensor';
import { checkedLater, checkFields, finite, type OptionChecks } from '@modajs/tensor/checks';
import { LINEAR_WEIGHTS } from './layer-checks.ts';
import type { LinearWeights, LowRankWeights } from './layer-config.ts';

const LOW_RANK: OptionChecks<LowRankWeights> = { a: checkedLater, b: checkedLater, scale: finite };

/**
 * `x W^T + bias`, plus `scale (x A^T) B^T` of every low-rank adapter of the map: `x [..., I]` -> `[..., O]`.
 *
 * @param into memory for the result where the map has no adapter and its weight is not quantized
 * @throws ConfigError | ShapeError | DTypeError | DeviceError
 * Reference: Hu et al., "LoRA", arXiv 2106.09685.
 */
export function applyLinear(x: Tensor, map: LinearWeights, into: Tensor | null = null): Tensor {
  checkFields('applyLinear', 'map', map, LINEAR_WEIGHTS);
  const { weight, bias, adapters = [] } = map;
  if (!Array.isArray(adapters)) {
    throw new ConfigError(`applyLinear: map.adapters must be a list of adapters, got ${shown(adapters)}.`);
  }
  if (adapters.length === 0 && !(weight instanceof QuantizedMatrix)) return linear(x, weight, bias, into);
  let out = weight instanceof QuantizedMatrix ? quantizedLinear(x, weight, bias) : linear(x, weight, bias);
  for (const [i, adapter] of (adapters as NonNullable<LinearWeights['adapters']>).entries()) {
    checkFields('applyLinear', `map.adapters[${i}]`, adapter, LOW_RANK);
    out = add(out, affine(linear(linear(x, adapter.a), adapter.b), adapter.scale, 0));
  }
  return out;
}
