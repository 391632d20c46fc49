import {
  type AttentionLayerConfig,
  type AttentionLayerContext,
  type AttentionLayerWeights,
  applyLinear,
  attentionLayer,
  type RotaryConfig,
  writeProjected,
} from '@modajs/moda';
import {
  addLayerNorm,
  addRmsNorm,
  affine,
  layerNorm,
  rmsNorm,
  type Shape,
  ShapeError,
  type Tensor,
} from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { attentionSlots } from '../depth/decoder-depth.ts';
import type { DepthPath, NormOfSum, SubLayer } from '../depth/depth-path.ts';
import { depthGateName } from '../depth/moda/moda-specs.ts';
import { hasPreNorms, normNames } from '../parameters/block-specs.ts';
import { activate } from './activation.ts';
import type { BlockCall, CustomBlock } from './custom-parts.ts';
import { attentionFactor, rotatedComponents, scaledFrequencies } from './rotation.ts';
import type { Weights } from './weights.ts';

/** What an attention layer without depth slots knows of them. */
const noDepth = { depthKeyNorm: 'writer', depthRope: 'shared', depthChunk: 1, depthSlots: null } as const;

/** What one attention layer reads of a decoder's configuration, in a sequence of `length` positions. */
export function attentionConfig(config: DecoderConfig, layer: number, length: number): AttentionLayerConfig {
  const { nHeads, nKvHeads, headDim, qkNorm, normEps, attentionSoftcap, window, localLayers } = config;
  const isLocal = localLayers.includes(layer);
  return {
    nHeads,
    nKvHeads,
    headDim,
    qkNorm,
    normEps,
    ...(attentionSlots(config)?.layer ?? noDepth),
    rotary: rotaryOf(config, layer, length),
    softmaxScale: softmaxScale(config, layer),
    window: isLocal ? window : null,
    logitSoftcap: attentionSoftcap,
    causal: true,
  };
}

function rotaryOf(config: DecoderConfig, layer: number, length: number): RotaryConfig | null {
  const { positions, ropeTheta, ropeInterleaved: interleaved, headDim } = config;
  if (positions !== 'rope' || config.nopeLayers.includes(layer)) return null;
  const rotaryDim = rotatedComponents(config);
  if (!isScaled(config, layer)) return { theta: localTheta(config, layer) ?? ropeTheta, interleaved, rotaryDim };
  return {
    theta: ropeTheta,
    interleaved,
    rotaryDim,
    frequencies: scaledFrequencies(config, length),
    queryScale: rotaryDim === headDim ? 1 : attentionFactor(config) ** 2,
  };
}

/** Whether a layer turns as `ropeScaling` says. */
function isScaled(config: DecoderConfig, layer: number): boolean {
  const { positions, nopeLayers, ropeScaling } = config;
  const turns = positions === 'rope' && !nopeLayers.includes(layer);
  return turns && ropeScaling !== null && localTheta(config, layer) === null;
}

/** Base of a layer's own rotation; null where it turns as the others. */
function localTheta({ localLayers, localRopeTheta }: DecoderConfig, layer: number): number | null {
  return localLayers.includes(layer) ? localRopeTheta : null;
}

/** Factor of q . k; null for 1/sqrt(D). Where heads rotate whole, it holds the attention factor of both. */
function softmaxScale(config: DecoderConfig, layer: number): number | null {
  const isWhole = rotatedComponents(config) === config.headDim;
  const turned = isWhole && isScaled(config, layer) ? attentionFactor(config) ** 2 : 1;
  const factor = turned / (config.softmaxScaleByLayer ? layer + 1 : 1);
  if (factor === 1) return config.softmaxScale;
  return factor * (config.softmaxScale ?? 1 / Math.sqrt(config.headDim));
}

/** RMSNorm or LayerNorm with the parameters under `name`. */
export function applyNorm(x: Tensor, name: string, config: DecoderConfig, weights: Weights): Tensor {
  const weight = weights.get(`${name}.weight`);
  return config.normKind === 'rms'
    ? rmsNorm(x, weight, config.normEps)
    : layerNorm(x, weight, weights.get(`${name}.bias`), config.normEps);
}

/** `applyNorm` of `x`, or of `x + y` with the sum. */
export function normOfSum(name: string, config: DecoderConfig, weights: Weights): NormOfSum {
  return (x, y) => {
    if (y === null) return { sum: x, out: applyNorm(x, name, config, weights) };
    const weight = weights.get(`${name}.weight`);
    if (config.normKind === 'rms') return addRmsNorm(x, y, weight, config.normEps);
    return addLayerNorm(x, y, weight, weights.get(`${name}.bias`), config.normEps);
  };
}

/** Name of the norm of what a sub-layer reads; null for none. */
export function normBefore(config: DecoderConfig, layer: number, part: SubLayer): string | null {
  const { before } = normNames(config);
  return before && `model.layers.${layer}.${before[part]}`;
}

/** Name of the norm of a sub-layer's output, or of its sum where `norm` is `post`; null for none. */
export function normAfter(config: DecoderConfig, layer: number, part: SubLayer): string | null {
  const { after } = normNames(config);
  return after && `model.layers.${layer}.${after[part]}`;
}

function attentionWeights(layer: number, weights: Weights): AttentionLayerWeights {
  const attention = `model.layers.${layer}.self_attn`;
  return {
    qProj: weights.linear(`${attention}.q_proj`),
    kProj: weights.linear(`${attention}.k_proj`),
    vProj: weights.linear(`${attention}.v_proj`),
    oProj: weights.linear(`${attention}.o_proj`),
    qNorm: weights.find(`${attention}.q_norm.weight`),
    kNorm: weights.find(`${attention}.k_norm.weight`),
    depthAttentionProj: weights.findLinear(`model.layers.${layer}.depth.attn_kv_proj`),
    depthFfnProj: weights.findLinear(`model.layers.${layer}.depth.ffn_kv_proj`),
    depthGate: weights.find(depthGateName(layer)),
    depthAttentionScore: weights.findLinear(`model.layers.${layer}.depth.attn_score`),
    depthFfnScore: weights.findLinear(`model.layers.${layer}.depth.ffn_score`),
  };
}

/**
 * What a block is made of: its sub-layers, read from and written to `path`. Under MoDA the attention layer reads and writes the
 * stream, and the FFN's input is projected into a slot of its own. `length`: positions of the sequence so far, for rotations
 * that depend on it.
 */
export function blockCall(
  layer: number,
  path: DepthPath,
  config: DecoderConfig,
  weights: Weights,
  context: AttentionLayerContext,
  length: number,
): BlockCall {
  const ofLayer = attentionConfig(config, layer, length);
  let found: AttentionLayerWeights | null = null;
  const attention = (): AttentionLayerWeights => (found ??= attentionWeights(layer, weights));
  const read = (part: SubLayer): Tensor => {
    const name = normBefore(config, layer, part);
    return name === null ? path.read(layer, part) : readNormed(path, layer, part, name, config, weights);
  };
  const write = (part: SubLayer, y: Tensor): void => {
    const name = config.norm === 'post' ? null : normAfter(config, layer, part);
    const normed = name === null ? y : applyNorm(y, name, config, weights);
    path.write(layer, part, config.residualScale === 1 ? normed : affine(normed, config.residualScale, 0));
  };
  const attend = (x: Tensor): Tensor => {
    const keyValueInputs = normedKeyValues(path, layer, config, weights);
    return attentionLayer(x, attention(), ofLayer, keyValueInputs ? { ...context, keyValueInputs } : context);
  };
  const feed = (x: Tensor): Tensor => {
    const { stream, writesSlot, positions } = context;
    if (stream && writesSlot) {
      const { depthFfnProj, kNorm, depthFfnScore } = attention();
      if (depthFfnProj) writeProjected(stream, x, depthFfnProj, kNorm, positions, ofLayer, depthFfnScore);
    }
    return feedForward(x, `model.layers.${layer}.mlp`, config, weights);
  };
  return { layer, config, context, parameter: weights.get, read, write, attend, feed };
}

/** The configured block: attention, then the feed-forward network, or both of one input. */
export function runBlock({ config, read, write, attend, feed }: BlockCall): void {
  if (config.parallelBlocks) {
    const inputs = [read('attention'), read('ffn')];
    write('attention', attend(inputs[0]));
    write('ffn', feed(inputs[1]));
    return;
  }
  write('attention', attend(read('attention')));
  write('ffn', feed(read('ffn')));
}

/** A caller's block: what it writes must be a hidden state, for a sum would broadcast what is not. */
export function runCustomBlock({ run }: CustomBlock, call: BlockCall, shape: Shape): void {
  run({
    ...call,
    write(part, y) {
      if (y.rank !== shape.length || y.shape.some((size, axis) => size !== shape[axis])) {
        throw new ShapeError(
          `decoder: block ${call.layer} must write [B, T, C] = [${shape}] as its ${part}, got [${y.shape}]. Project it back.`,
          { shape: y.shape },
        );
      }
      call.write(part, y);
    },
  });
}

/** Inputs of the keys and values under their pre-norms; null where they are those of the queries. */
function normedKeyValues(
  path: DepthPath,
  layer: number,
  config: DecoderConfig,
  weights: Weights,
): { k: Tensor; v: Tensor } | null {
  const inputs = path.keyValueInputs?.(layer) ?? null;
  if (inputs === null || !hasPreNorms(config)) return inputs;
  const { k, v, norms } = inputs;
  return { k: applyNorm(k, norms.k, config, weights), v: applyNorm(v, norms.v, config, weights) };
}

/** A sub-layer's input under its pre-norm. */
function readNormed(
  path: DepthPath,
  layer: number,
  part: SubLayer,
  name: string,
  config: DecoderConfig,
  weights: Weights,
): Tensor {
  if (path.readNormed) return path.readNormed(normOfSum(name, config, weights));
  return applyNorm(path.read(layer, part), name, config, weights);
}

function feedForward(x: Tensor, name: string, config: DecoderConfig, weights: Weights): Tensor {
  const apply = (input: Tensor, map: string): Tensor => applyLinear(input, weights.linear(`${name}.${map}`));
  const up = apply(x, 'up_proj');
  return apply(
    activate(config.activation, () => apply(x, 'gate_proj'), up),
    'down_proj',
  );
}
