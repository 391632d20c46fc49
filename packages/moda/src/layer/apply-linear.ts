import { add, affine, linear, type Tensor } from '@modajs/tensor';
import type { LinearWeights } from './layer-config.ts';

/**
 * `x W^T + bias`, plus `scale (x A^T) B^T` of every low-rank adapter of the map: `x [..., I]` -> `[..., O]`.
 *
 * @param into memory for the result where the map has no adapter
 * Reference: Hu et al., "LoRA", arXiv 2106.09685.
 */
export function applyLinear(
  x: Tensor,
  { weight, bias, adapters = [] }: LinearWeights,
  into: Tensor | null = null,
): Tensor {
  if (adapters.length === 0) return linear(x, weight, bias, into);
  let out = linear(x, weight, bias);
  for (const { a, b, scale } of adapters) out = add(out, affine(linear(linear(x, a), b), scale, 0));
  return out;
}
