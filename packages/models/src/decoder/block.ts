import {
  type AttentionLayerConfig,
  type AttentionLayerContext,
  type AttentionLayerWeights,
  attentionLayer,
  writeProjected,
} from '@modajs/moda';
import { addLayerNorm, addRmsNorm, gelu, layerNorm, linear, rmsNorm, swiglu, type Tensor } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import type { DepthPath, NormOfSum, SubLayer } from '../depth/depth-path.ts';
import { normNames } from '../parameters/block-specs.ts';
import type { Weights } from './weights.ts';

/** The part of a decoder's configuration that its attention layers read. */
export function attentionConfig(config: DecoderConfig): AttentionLayerConfig {
  const { ropeTheta, ropeInterleaved } = config;
  return {
    ...config,
    rotary: config.positions === 'rope' ? { theta: ropeTheta, interleaved: ropeInterleaved } : null,
    causal: true,
  };
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

/** Name of the norm that belongs to a sub-layer. */
export function normOf(config: DecoderConfig, layer: number, part: SubLayer): string {
  return `model.layers.${layer}.${normNames(config)[part]}`;
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
    depthAttentionScore: weights.findLinear(`model.layers.${layer}.depth.attn_score`),
    depthFfnScore: weights.findLinear(`model.layers.${layer}.depth.ffn_score`),
  };
}

/**
 * One block: attention, then the feed-forward network, each read from and written to `path`. Under MoDA the attention
 * layer reads and writes the stream, and the FFN's input is projected into a slot of its own.
 */
export function runBlock(
  layer: number,
  path: DepthPath,
  config: DecoderConfig,
  weights: Weights,
  context: AttentionLayerContext,
): void {
  const ofLayer = attentionConfig(config);
  const attention = attentionWeights(layer, weights);
  const run = (part: SubLayer, f: (x: Tensor) => Tensor): void => {
    const name = normOf(config, layer, part);
    const y = f(config.norm === 'pre' ? readNormed(path, layer, part, config, weights) : path.read(layer, part));
    path.write(layer, part, config.norm === 'reordered' ? applyNorm(y, name, config, weights) : y);
  };
  run('attention', (x) => {
    const keyValueInputs = normedKeyValues(path, layer, config, weights);
    return attentionLayer(x, attention, ofLayer, keyValueInputs ? { ...context, keyValueInputs } : context);
  });
  run('ffn', (x) => {
    const { stream, writesSlot, positions } = context;
    if (attention.depthFfnProj && stream && writesSlot) {
      const { depthFfnProj, kNorm, depthFfnScore } = attention;
      writeProjected(stream, x, depthFfnProj, kNorm, positions, ofLayer, depthFfnScore);
    }
    return feedForward(x, `model.layers.${layer}.mlp`, config, weights);
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
  if (inputs === null || config.norm !== 'pre') return inputs;
  const { k, v, norms } = inputs;
  return { k: applyNorm(k, norms.k, config, weights), v: applyNorm(v, norms.v, config, weights) };
}

/** A sub-layer's input under its pre-norm. */
function readNormed(path: DepthPath, layer: number, part: SubLayer, config: DecoderConfig, weights: Weights): Tensor {
  const name = normOf(config, layer, part);
  if (path.readNormed) return path.readNormed(normOfSum(name, config, weights));
  return applyNorm(path.read(layer, part), name, config, weights);
}

function feedForward(x: Tensor, name: string, config: DecoderConfig, weights: Weights): Tensor {
  const apply = (input: Tensor, map: string): Tensor => {
    const { weight, bias } = weights.linear(`${name}.${map}`);
    return linear(input, weight, bias);
  };
  const up = apply(x, 'up_proj');
  return apply(config.activation === 'swiglu' ? swiglu(apply(x, 'gate_proj'), up) : gelu(up), 'down_proj');
}
