import { DepthStream, type ScoredStream } from '@modajs/moda';
import { type Tensor, unknownName } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { hasPreNorms } from '../parameters/block-specs.ts';
import { AttentionResidualPath } from './attention-residual.ts';
import { DensePath } from './dense.ts';
import { DenseFormerPath } from './denseformer.ts';
import { DepthAttentionPath } from './depth-attention.ts';
import type { DepthPath, ParameterLookup } from './depth-path.ts';
import { depthValueMix } from './depth-value-mix.ts';
import { HyperConnectionPath } from './hyper-connections.ts';
import { ManifoldHyperConnectionPath } from './manifold-hyper-connections.ts';
import { hasSlotScores, slotsPerBlock } from './moda-slots.ts';
import { MuddPath } from './mudd.ts';
import { PreNormPath } from './pre-norm.ts';
import { type JoinResidual, ResidualPath } from './residual.ts';
import type { ValueMixer } from './value-mixer.ts';
import { valueResidual } from './value-residual.ts';

/** Slots of the arena that a model's forward pass needs; 0 when its mechanism has none, or keeps slots by score. */
export function streamSlots(config: DecoderConfig): number {
  return hasSlotScores(config) ? 0 : writtenSlots(config);
}

/** Slots of depth keys and values that a forward pass writes, in an arena or kept by score; 0 when its mechanism has none. */
export function writtenSlots(config: DecoderConfig): number {
  if (config.depth === 'depth-value-mix') return config.nLayers;
  return (config.nLayers - 1) * slotsPerBlock(config);
}

/** The ordinary residual sum from `x`. */
export function residualPath(config: DecoderConfig, x: Tensor, join: JoinResidual): DepthPath {
  return hasPreNorms(config) ? new PreNormPath(x) : new ResidualPath(x, join);
}

/** The path of one forward pass from the embeddings `x` `[B, T, C]`. */
export function createDepthPath(
  config: DecoderConfig,
  x: Tensor,
  parameter: ParameterLookup,
  join: JoinResidual,
  stream: DepthStream | ScoredStream | null,
): DepthPath {
  switch (config.depth) {
    case 'dense':
      return new DensePath(x, join, parameter);
    case 'denseformer':
      return new DenseFormerPath(x, join, parameter);
    case 'depth-attention':
      return stream instanceof DepthStream
        ? new DepthAttentionPath(x, join, parameter, config, stream)
        : new ResidualPath(x, join);
    case 'attention-residual':
    case 'attention-residual-block':
      return new AttentionResidualPath(x, parameter, config);
    case 'hyper-connections':
      return new HyperConnectionPath(x, parameter, config);
    case 'manifold-hyper-connections':
      return new ManifoldHyperConnectionPath(x, parameter, config);
    case 'mudd':
      return new MuddPath(x, join, parameter, config);
    case 'residual':
    case 'moda':
    case 'moda-chunk-visible':
    case 'value-residual':
    case 'depth-value-mix':
      return residualPath(config, x, join);
    default:
      return unknownName('depth mechanism', config.depth);
  }
}

/** What replaces the values of each layer in one forward pass, or null. */
export function createValueMixer(
  config: DecoderConfig,
  parameter: ParameterLookup,
  stream: DepthStream | ScoredStream | null,
): ValueMixer | null {
  switch (config.depth) {
    case 'value-residual':
      return valueResidual(parameter);
    case 'depth-value-mix':
      return stream instanceof DepthStream ? depthValueMix(config, stream) : null;
    case 'residual':
    case 'dense':
    case 'depth-attention':
    case 'moda':
    case 'moda-chunk-visible':
    case 'denseformer':
    case 'attention-residual':
    case 'attention-residual-block':
    case 'hyper-connections':
    case 'manifold-hyper-connections':
    case 'mudd':
      return null;
    default:
      return unknownName('depth mechanism', config.depth);
  }
}
