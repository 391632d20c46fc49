import { type QueriesAndKeys, reshape, rmsNorm, rmsNormRope, rope, ropePair, type Tensor } from '@modajs/tensor';
import { checkOperands } from '@modajs/tensor/checks';
import { checkLayerConfig } from './layer-checks.ts';
import type { AttentionLayerConfig, AttentionLayerWeights } from './layer-config.ts';

/**
 * RMSNorm of queries or keys `[B, T, heads, D]`: over all heads together (`full`, weight `[heads*D]`) or over each head
 * (`head`, weight `[D]`). A null weight normalises only.
 */
export function qkNorm(x: Tensor, weight: Tensor | null, config: AttentionLayerConfig): Tensor {
  if (config.qkNorm === 'none') return x;
  if (config.qkNorm === 'head') return rmsNorm(x, weight, config.normEps);
  const [B, T, heads, D] = x.shape;
  return reshape(rmsNorm(reshape(x, [B, T, heads * D]), weight, config.normEps), [B, T, heads, D]);
}

/** Rotates `[B, T, heads, D]` by `positions` `[B, T]`; returns x unchanged without rotary positions. */
export function rotate(x: Tensor, positions: Tensor, config: AttentionLayerConfig, into: Tensor | null = null): Tensor {
  checkLayerConfig('rotate', config);
  checkOperands('rotate', { x, positions }, { into });
  const { rotary } = config;
  return rotary ? rope(x, positions, { theta: rotary.theta, interleaved: rotary.interleaved, into }) : x;
}

/** `rotate(qkNorm(x, weight), positions)`, in one pass where there is both; where it rotates, the result goes `into` given memory. */
export function normAndRotate(
  x: Tensor,
  weight: Tensor | null,
  positions: Tensor,
  config: AttentionLayerConfig,
  into: Tensor | null = null,
): Tensor {
  const { rotary, qkNorm: scope, normEps: eps } = config;
  if (!rotary || scope === 'none') return rotate(qkNorm(x, weight, config), positions, config, into);
  const { theta, interleaved } = rotary;
  return rmsNormRope(x, weight, positions, { eps, full: scope === 'full', theta, interleaved, into });
}

/** `normAndRotate` of queries and of keys, each into its memory: in one pass where neither has a norm. */
export function normAndRotateBoth(
  { q, k }: QueriesAndKeys,
  { qNorm, kNorm }: Pick<AttentionLayerWeights, 'qNorm' | 'kNorm'>,
  positions: Tensor,
  config: AttentionLayerConfig,
  into: { readonly q: Tensor | null; readonly k: Tensor | null },
): QueriesAndKeys {
  if (config.rotary && config.qkNorm === 'none') return ropePair(q, k, positions, { ...config.rotary, into });
  return {
    q: normAndRotate(q, qNorm, positions, config, into.q),
    k: normAndRotate(k, kNorm, positions, config, into.k),
  };
}
