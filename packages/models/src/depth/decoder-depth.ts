import type { DecoderConfig } from '../config/decoder-config.ts';
import type { ParameterSpecs } from '../parameters/parameter-spec.ts';
import type { AttentionSlots, DepthPass, DepthSlots, FusedDepth } from './depth-mechanism.ts';
import type { DepthPath } from './depth-path.ts';
import { mechanismOf } from './mechanisms.ts';
import { residualPath } from './residual/residual-path.ts';
import type { ValueMixer } from './value-mixer.ts';

/** Parameters that the depth mechanism adds to block `layer`; `layer === nLayers` asks for those after the last block. */
export function depthSpecs(config: DecoderConfig, layer: number): ParameterSpecs {
  return mechanismOf(config.depth).specs?.(config, config.depth, layer) ?? {};
}

/** How sub-layers are joined in one forward pass. */
export function createDepthPath({ depth }: DecoderConfig, pass: DepthPass): DepthPath {
  return mechanismOf(depth).path?.(pass, depth) ?? residualPath(pass);
}

/** What takes the place of each layer's values in one forward pass, or null. */
export function createValueMixer({ depth }: DecoderConfig, pass: DepthPass): ValueMixer | null {
  return mechanismOf(depth).mixValues?.(pass, depth) ?? null;
}

const noSlots: DepthSlots = { written: 0, perBlock: 0, readBy: () => 0, positions: () => 1 };

/** Depth slots of a forward pass; all 0 for a mechanism without. */
export function depthSlots(config: DecoderConfig): DepthSlots {
  return mechanismOf(config.depth).slots?.(config, config.depth) ?? noSlots;
}

/** Slots that attention reads under the softmax of its sequence keys; null for a mechanism without such slots. */
export function attentionSlots({ depth }: DecoderConfig): AttentionSlots | null {
  return mechanismOf(depth).attentionSlots?.(depth) ?? null;
}

/** Whether attention reads depth slots: whether there is a depth part in its maps and statistics. */
export function readsSlots(config: DecoderConfig): boolean {
  return attentionSlots(config) !== null;
}

/** C: a query sees the slots of its own chunk of C positions; 1 where it sees those of its own position alone. */
export function visibleChunk(config: DecoderConfig): number {
  return attentionSlots(config)?.layer.depthChunk ?? 1;
}

/** Slots of depth keys and values that a forward pass writes, in an arena or kept by score; 0 when its mechanism has none. */
export function writtenSlots(config: DecoderConfig): number {
  return depthSlots(config).written;
}

/** Slots of the arena that a model's forward pass needs; 0 when its mechanism has none, or keeps slots by score. */
export function arenaSlots(config: DecoderConfig): number {
  return attentionSlots(config)?.scored ? 0 : writtenSlots(config);
}

/** What the fused decoding kernels compute for a model's mechanism; null where they do not know it. */
export function fusedDepth({ depth }: DecoderConfig): FusedDepth | null {
  return mechanismOf(depth).fused?.(depth) ?? null;
}

/** Whether blocks can be computed again alone. */
export function canRecompute({ depth }: DecoderConfig): boolean {
  return mechanismOf(depth).canRecompute?.(depth) ?? false;
}
