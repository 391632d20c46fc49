import {
  affine,
  concat,
  type QueriesAndKeys,
  reshape,
  rmsNorm,
  rmsNormRope,
  rope,
  ropePair,
  split,
  type Tensor,
} from '@modajs/tensor';
import { checkOperands } from '@modajs/tensor/checks';
import { checkLayerConfig } from './layer-checks.ts';
import type { AttentionLayerConfig, AttentionLayerWeights, RotaryConfig } from './layer-config.ts';

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

/** The part of a rotary configuration that operators take. */
function turning({ theta, interleaved, rotaryDim, frequencies }: RotaryConfig) {
  return { theta, interleaved, rotaryDim, frequencies };
}

/** Whether every component of a head rotates. */
export function rotatesWhole({ rotary, headDim }: AttentionLayerConfig): boolean {
  return rotary !== null && (rotary.rotaryDim ?? headDim) === headDim;
}

/** Queries `[B, T, H, D]` with their rotated components times `queryScale`: before or after their rotation. */
export function scaleQueries(q: Tensor, { rotary, headDim }: AttentionLayerConfig): Tensor {
  const { queryScale = 1, rotaryDim = headDim } = rotary ?? {};
  if (queryScale === 1) return q;
  if (rotaryDim === headDim) return affine(q, queryScale, 0);
  const [rotated, rest] = split(q, [rotaryDim, headDim - rotaryDim], 3);
  return concat([affine(rotated, queryScale, 0), rest], 3);
}

/** Rotates `[B, T, heads, D]` by `positions` `[B, T]`; returns x unchanged without rotary positions. */
export function rotate(x: Tensor, positions: Tensor, config: AttentionLayerConfig, into: Tensor | null = null): Tensor {
  checkLayerConfig('rotate', config);
  checkOperands('rotate', { x, positions }, { into });
  const { rotary } = config;
  return rotary ? rope(x, positions, { ...turning(rotary), into }) : x;
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
  if (!rotary || scope === 'none' || !rotatesWhole(config))
    return rotate(qkNorm(x, weight, config), positions, config, into);
  const { theta, interleaved, frequencies } = rotary;
  return rmsNormRope(x, weight, positions, { eps, full: scope === 'full', theta, interleaved, frequencies, into });
}

/** `normAndRotate` of queries and of keys, each into its memory: in one pass where neither has a norm. */
export function normAndRotateBoth(
  { q, k }: QueriesAndKeys,
  { qNorm, kNorm }: Pick<AttentionLayerWeights, 'qNorm' | 'kNorm'>,
  positions: Tensor,
  config: AttentionLayerConfig,
  into: { readonly q: Tensor | null; readonly k: Tensor | null },
): QueriesAndKeys {
  if (config.rotary && config.qkNorm === 'none') return ropePair(q, k, positions, { ...turning(config.rotary), into });
  return {
    q: normAndRotate(q, qNorm, positions, config, into.q),
    k: normAndRotate(k, kNorm, positions, config, into.k),
  };
}
