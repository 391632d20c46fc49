import { add, ConfigError, type DepthReading, mul, reshape, sub, type Tensor } from '@modajs/tensor';
import {
  type Check,
  callback,
  checkedLater,
  checkFields,
  checkOperands,
  flag,
  type OptionChecks,
  orAbsent,
  orNull,
  shapeIs,
  shown,
  whole,
} from '@modajs/tensor/checks';
import { attention } from '../attention.ts';
import type { SequenceOptions } from '../attention-options.ts';
import { depthAttention } from '../depth-attention.ts';
import { mergeAttention } from '../merge.ts';
import { moda } from '../moda.ts';
import { modaChunkVisible } from '../moda-chunk-visible.ts';
import type { AttentionProbe } from '../statistics/attention-probe.ts';
import type { SlotStream } from '../stream/slot-stream.ts';
import { applyLinear } from './apply-linear.ts';
import { depthKey, needsReaderNorm, readerQuery, writeProjected, writeSlot } from './depth-keys.ts';
import { checkLayerConfig, checkProjection, isStream } from './layer-checks.ts';
import type { AttentionLayerConfig, AttentionLayerWeights, LinearWeights } from './layer-config.ts';
import { normAndRotate, normAndRotateBoth, qkNorm, rotate, scaleQueries } from './qk-norm.ts';
import { SequenceCache } from './sequence-cache.ts';

/** Where a layer reads and writes besides its input. */
export interface AttentionLayerContext {
  /** i32 `[B, T]`: absolute positions for RoPE. */
  readonly positions: Tensor;
  /** The model's depth stream; null for plain attention. */
  readonly stream: SlotStream | null;
  /** Whether this layer writes its attention slot after reading. */
  readonly writesSlot: boolean;
  /** i32 `[B, T, 2]` key ranges of documents, or null. */
  readonly docRange: Tensor | null;
  /** Added to the sequence's logits; broadcasts to `[B, H, T, Tk]` (`attention`). None by default. */
  readonly bias?: Tensor | null;
  /** 0 hides a sequence key; broadcasts to `[B, H, T, Tk]` (`attention`). None by default. */
  readonly mask?: Tensor | null;
  /** Keys and values of earlier positions, for decoding; null in training. */
  readonly cache: SequenceCache | null;
  /** Absolute position of the stream's first position, for chunk visibility. */
  readonly firstPosition: number;
  /** `[B, T, C]`: what keys and values are projected from, where that is not the layer's input. */
  readonly keyValueInputs?: { readonly k: Tensor; readonly v: Tensor } | null;
  /** Replaces the values before they are used: rivals that mix values across layers. */
  readonly mixValues?: (q: Tensor, k: Tensor, v: Tensor) => Tensor;
  /** Called with what the layer computed, for statistics and maps. */
  readonly onAttention?: (probe: AttentionProbe) => void;
}

/**
 * One attention sub-layer: projections, QK-norm, RoPE, attention over the sequence and the depth slots written so far,
 * output projection; then the layer's own slot is written.
 *
 * @param x `[B, T, C]`
 * @returns `[B, T, C]`
 * @throws ShapeError when weights and configuration disagree
 * Reference: arXiv 2603.15619; `moda.md` section 2.
 */
export function attentionLayer(
  x: Tensor,
  weights: AttentionLayerWeights,
  config: AttentionLayerConfig,
  context: AttentionLayerContext,
): Tensor {
  checkLayerCall(x, weights, config, context);
  const { nHeads, nKvHeads, headDim } = config;
  const { positions, stream, cache } = context;
  const [B, T] = x.shape;
  const project = (map: LinearWeights, heads: number, from = x, into?: Tensor): Tensor =>
    reshape(applyLinear(from, map, into), [B, T, heads, headDim]);
  const slot = ownSlot(weights, config, context);
  const rawQ = project(weights.qProj, nHeads);
  // A reader's norm weight meets the query before it is rotated.
  const plainQ = stream && needsReaderNorm(config) ? scaleQueries(qkNorm(rawQ, weights.qNorm, config), config) : null;
  const rawK = project(weights.kProj, nKvHeads, context.keyValueInputs?.k);
  const { q: rotatedQ, k } = plainQ
    ? { q: rotate(plainQ, positions, config), k: normAndRotate(rawK, weights.kNorm, positions, config, slot?.k) }
    : normAndRotateBoth({ q: rawQ, k: rawK }, weights, positions, config, {
        q: ownQueries(config, context),
        k: slot?.k ?? null,
      });
  const q = plainQ ? rotatedQ : scaleQueries(rotatedQ, config);
  let v = project(weights.vProj, nKvHeads, context.keyValueInputs?.v, slot?.v);
  if (context.mixValues) v = context.mixValues(q, k, v);
  const depth = stream && stream.count > 0 ? stream.read({ last: config.depthSlots }) : null;
  cache?.append(k, v);
  const read = { q, plainQ, k: cache?.k ?? k, v: cache?.v ?? v, depth, stream, Tk: cache?.length ?? T };
  const { out, lse } = readKeys(read, weights, config, context);
  if (context.onAttention) checkHasMap(weights, context, lse);
  if (context.onAttention && lse) {
    const { docRange, firstPosition } = context;
    const slots = depth ? stream!.keys().slice(-depth.S) : [];
    const softmaxScale = config.softmaxScale ?? 1 / Math.sqrt(headDim);
    const own = { ...config, softmaxScale };
    const probe = { sequenceQ: q, k: read.k, Tk: read.Tk, docRange, depth, slots, firstPosition, lse, config: own };
    context.onAttention({ ...probe, q: depthQuery(read, weights, config) });
  }
  if (stream && context.writesSlot) {
    if (weights.depthAttentionProj) {
      const { depthAttentionProj, kNorm, depthAttentionScore } = weights;
      writeProjected(stream, x, depthAttentionProj, kNorm, positions, config, depthAttentionScore);
    } else {
      const sharesKey = config.depthKeyNorm === 'writer' && config.depthRope === 'shared';
      const key = sharesKey ? k : depthKey(rawK, weights.kNorm, positions, config);
      writeSlot(stream, key, v, x, weights.depthAttentionScore);
    }
  }
  return applyLinear(reshape(out, [B, T, nHeads * headDim]), weights.oProj);
}

/** @throws ConfigError where statistics and maps, which follow from queries and keys, would not be those of the layer's softmax */
function checkHasMap(weights: AttentionLayerWeights, { bias, mask }: AttentionLayerContext, lse: Tensor | null): void {
  if ([weights.alibi, bias, mask].some((given) => given != null)) {
    throw new ConfigError(
      'attentionLayer: onAttention needs logits of queries and keys alone, got alibi, bias or mask. Leave onAttention out.',
    );
  }
  if (lse === null) {
    throw new ConfigError(
      'attentionLayer: onAttention needs one softmax without a gate, got depthGate. Leave onAttention out.',
    );
  }
}

const PROJECTIONS = ['qProj', 'kProj', 'vProj', 'oProj'] as const;

const isCache: Check = (operation, name, value) => {
  if (value instanceof SequenceCache) return;
  throw new ConfigError(`${operation}: ${name} must be a SequenceCache or null, got ${shown(value)}.`, { name });
};

const WEIGHTS: OptionChecks<AttentionLayerWeights> = {
  qProj: checkedLater,
  kProj: checkedLater,
  vProj: checkedLater,
  oProj: checkedLater,
  qNorm: checkedLater,
  kNorm: checkedLater,
  depthAttentionProj: checkedLater,
  depthFfnProj: checkedLater,
  depthGate: checkedLater,
  depthAttentionScore: checkedLater,
  depthFfnScore: checkedLater,
  sinks: checkedLater,
  alibi: checkedLater,
};

const CONTEXT: OptionChecks<AttentionLayerContext> = {
  positions: checkedLater,
  docRange: checkedLater,
  bias: checkedLater,
  mask: checkedLater,
  keyValueInputs: checkedLater,
  mixValues: orAbsent(callback),
  onAttention: orAbsent(callback),
  stream: orNull(isStream),
  writesSlot: flag,
  cache: orNull(isCache),
  firstPosition: whole(),
};

/** What the operators of a layer do not check by themselves. */
function checkLayerCall(
  x: Tensor,
  weights: AttentionLayerWeights,
  config: AttentionLayerConfig,
  context: AttentionLayerContext,
): void {
  checkLayerConfig('attentionLayer', config);
  checkFields('attentionLayer', 'weights', weights, WEIGHTS);
  checkFields('attentionLayer', 'context', context, CONTEXT);
  for (const name of PROJECTIONS) checkProjection('attentionLayer', x, `weights.${name}`, weights[name]);
  const { qNorm, kNorm, depthGate } = weights;
  const given = { qNorm, kNorm, depthGate, docRange: context.docRange };
  checkOperands('attentionLayer', { x, positions: context.positions }, given);
  if (depthGate) shapeIs('attentionLayer', 'weights.depthGate', depthGate.shape, [config.nHeads], '[H]');
}

/** Memory of the slot that the layer's own k and v become, when nothing else than they does: they are computed there. */
function ownSlot(
  { depthAttentionProj }: AttentionLayerWeights,
  { depthKeyNorm, depthRope }: AttentionLayerConfig,
  { stream, writesSlot, mixValues }: AttentionLayerContext,
): { k: Tensor; v: Tensor } | null {
  if (!writesSlot || stream === null || depthAttentionProj || mixValues) return null;
  return depthKeyNorm === 'writer' && depthRope === 'shared' ? stream.nextSlot() : null;
}

/** Memory for the queries where the backward pass of the depth slots wants them. */
function ownQueries(
  { nHeads, rotary, depthChunk }: AttentionLayerConfig,
  { stream }: AttentionLayerContext,
): Tensor | null {
  const isOwnPosition = rotary !== null && (rotary.queryScale ?? 1) === 1 && depthChunk === 1;
  return isOwnPosition && stream ? stream.queryDestination(nHeads) : null;
}

interface Read {
  readonly q: Tensor;
  /** q before its rotation, for keys that wait for the reader's norm; else null. */
  readonly plainQ: Tensor | null;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly Tk: number;
  readonly depth: DepthReading | null;
  readonly stream: SlotStream | null;
}

/** The query that meets the depth keys. */
function depthQuery(read: Read, weights: AttentionLayerWeights, config: AttentionLayerConfig): Tensor {
  const { q, plainQ, depth, stream } = read;
  if (!depth || !stream) return q;
  const own = needsReaderNorm(config)
    ? readerQuery(config.depthRope === 'shared' ? plainQ! : q, weights.kNorm!, config)
    : q;
  return stream.query(own, config.softmaxScale ?? 1 / Math.sqrt(config.headDim));
}

function readKeys(
  read: Read,
  weights: AttentionLayerWeights,
  config: AttentionLayerConfig,
  { docRange, firstPosition, bias = null, mask = null }: AttentionLayerContext,
): { readonly out: Tensor; readonly lse: Tensor | null } {
  const { q, k, v, depth, stream, Tk } = read;
  const scale = config.softmaxScale ?? 1 / Math.sqrt(config.headDim);
  const { causal, window = null, logitSoftcap: softcap = null } = config;
  const { sinks = null, alibi = null } = weights;
  const options: SequenceOptions = { scale, causal, window, softcap, docRange, Tk, sinks, alibi, bias, mask };
  if (!depth) return attention(q, k, v, options);
  if (config.depthChunk > 1) {
    return modaChunkVisible(q, k, v, depth, { ...options, chunk: config.depthChunk, firstPosition });
  }
  if (!needsReaderNorm(config) && !stream?.hasScores && !weights.depthGate) return moda(q, k, v, depth, options);
  // Two queries differ, or attention without depth is asked for too: the parts are computed apart and merged, exactly, with one
  // pass over memory more.
  const sequence = attention(q, k, v, options);
  const both = mergeAttention(sequence, depthAttention(depthQuery(read, weights, config), depth, { scale, softcap }));
  const { depthGate = null } = weights;
  return depthGate === null ? both : { out: gated(sequence.out, both.out, depthGate), lse: null };
}

/** `sequence + g (both - sequence)`, `[B, T, H, D]`, with one g for each head: at 0 exactly attention without depth. */
function gated(sequence: Tensor, both: Tensor, gate: Tensor): Tensor {
  return add(sequence, mul(sub(both, sequence), reshape(gate, [gate.size, 1])));
}
