import { mul, reshape, split, type Tensor } from '@modajs/tensor';
import { checkOperands, rankIs } from '@modajs/tensor/checks';
import { webGpuKernels } from '@modajs/tensor/extend';
import type { SlotStream } from '../stream/slot-stream.ts';
import { applyLinear } from './apply-linear.ts';
import { checkLayerConfig, checkProjection, isStream } from './layer-checks.ts';
import type { AttentionLayerConfig, LinearWeights } from './layer-config.ts';
import { normRopeSplit } from './norm-rope-split.ts';
import { normAndRotate, qkNorm, rotate, rotatesWhole } from './qk-norm.ts';

/**
 * The key that goes into a depth slot, from the raw projection `[B, T, Hkv, D]`. `writer` applies this layer's key norm,
 * `reader` only normalises (the reader's weight meets the query, see `readerQuery`), `none` keeps it raw. Where it is rotated,
 * the result goes `into` given memory.
 */
export function depthKey(
  rawK: Tensor,
  kNorm: Tensor | null,
  positions: Tensor,
  config: AttentionLayerConfig,
  into: Tensor | null = null,
): Tensor {
  checkLayerConfig('depthKey', config);
  checkOperands('depthKey', { rawK, positions }, { kNorm, into });
  rankIs('depthKey', 'rawK', rawK, '[B, T, Hkv, D]');
  if (config.depthKeyNorm === 'reader' && config.qkNorm !== 'none') return qkNorm(rawK, null, config);
  const isShared = config.depthRope === 'shared';
  if (config.depthKeyNorm === 'none') return isShared ? rotate(rawK, positions, config, into) : rawK;
  return isShared ? normAndRotate(rawK, kNorm, positions, config, into) : qkNorm(rawK, kNorm, config);
}

/** True when depth keys wait for the reading layer's norm weight. */
export function needsReaderNorm(config: AttentionLayerConfig): boolean {
  return config.depthKeyNorm === 'reader' && config.qkNorm !== 'none';
}

/**
 * The query for slots that are normalised but not weighted: `q . (w k) = (q w) . k`, with w the reader's key-norm weight
 * of the query's key/value head. Shared RoPE at one position cancels in the product, so it is left out on both sides.
 *
 * @param q `[B, T, H, D]`, rotated unless `depthRope` is `shared`
 * @param kNorm `[Hkv*D]` (`full`) or `[D]` (`head`)
 */
export function readerQuery(q: Tensor, kNorm: Tensor, { nKvHeads, headDim }: AttentionLayerConfig): Tensor {
  const [B, T, H, D] = q.shape;
  const grouped = reshape(q, [B, T, nKvHeads, H / nKvHeads, D]);
  const heads = kNorm.shape[0] / headDim;
  return reshape(mul(grouped, reshape(kNorm, [heads, 1, D])), [B, T, H, D]);
}

/** Keys and values `[B, T, Hkv, D]` from a depth projection of `x` `[B, T, C]`. */
export function projectDepth(
  x: Tensor,
  projection: LinearWeights,
  config: AttentionLayerConfig,
): { k: Tensor; v: Tensor } {
  checkLayerConfig('projectDepth', config);
  checkProjection('projectDepth', x, 'projection', projection);
  const { nKvHeads, headDim } = config;
  const [B, T] = x.shape;
  const both = reshape(applyLinear(x, projection), [B, T, 2 * nKvHeads, headDim]);
  const [k, v] = split(both, [nKvHeads, nKvHeads], 2);
  return { k, v };
}

/**
 * Writes a slot, with the scores `[B, T, Hkv]` that `score` gives it from `x` `[B, T, C]` where the stream keeps scores.
 *
 * @throws ShapeError as the stream's own `write`
 */
export function writeSlot(
  stream: SlotStream,
  k: Tensor,
  v: Tensor,
  x: Tensor,
  score: LinearWeights | null | undefined,
): void {
  if (!stream.hasScores) stream.write(k, v);
  else stream.write(k, v, applyLinear(x, score!));
}

/** Keys as the configuration says and values from a depth projection; in the slot's memory as far as one pass can put them there. */
function preparedSlot(
  x: Tensor,
  projection: LinearWeights,
  kNorm: Tensor | null,
  positions: Tensor,
  config: AttentionLayerConfig,
  slot: { k: Tensor; v: Tensor } | null,
): { k: Tensor; v: Tensor } {
  const { rotary, depthRope, depthKeyNorm, qkNorm: scope, normEps: eps, nKvHeads, headDim } = config;
  // Keys that wait for the reader's norm are not rotated either: see `readerQuery`.
  const rotates = rotary !== null && depthRope === 'shared' && !needsReaderNorm(config);
  const isOnePass = rotates ? rotatesWhole(config) : webGpuKernels(x.device) !== null && headDim % 2 === 0;
  if (!isOnePass) {
    const { k, v } = projectDepth(x, projection, config);
    return { k: depthKey(k, kNorm, positions, config, slot?.k), v };
  }
  const [B, T] = x.shape;
  const packed = reshape(applyLinear(x, projection), [B, T, 2, nKvHeads, headDim]);
  const weight = depthKeyNorm === 'reader' ? null : kNorm;
  const norm = depthKeyNorm === 'none' || scope === 'none' ? null : { weight, eps, full: scope === 'full' };
  // A frequency of 0 turns nothing, at any position.
  const { theta, interleaved, frequencies } = rotates
    ? rotary
    : { theta: undefined, interleaved: false, frequencies: new Array<number>(headDim / 2).fill(0) };
  return normRopeSplit(packed, positions, { theta, interleaved, frequencies, norm, into: slot });
}

/** Projects `x` `[B, T, C]` and writes it to the stream as one slot, keys prepared as the configuration says. */
export function writeProjected(
  stream: SlotStream,
  x: Tensor,
  projection: LinearWeights,
  kNorm: Tensor | null,
  positions: Tensor,
  config: AttentionLayerConfig,
  score?: LinearWeights | null,
): void {
  isStream('writeProjected', 'stream', stream);
  checkLayerConfig('writeProjected', config);
  checkProjection('writeProjected', x, 'projection', projection);
  checkOperands('writeProjected', { x, positions }, { kNorm });
  if (stream.hasScores) checkProjection('writeProjected', x, 'score', score!);
  const { k, v } = preparedSlot(x, projection, kNorm, positions, config, stream.nextSlot());
  writeSlot(stream, k, v, x, score);
}
