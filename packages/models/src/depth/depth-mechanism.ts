import type { AttentionLayerConfig, ScoredStreamOptions, SlotStream } from '@modajs/moda';
import type { Tensor } from '@modajs/tensor';
import type { BlockConfig } from '../config/block-config.ts';
import type { FieldRule } from '../config/field-rule.ts';
import type { ParameterSpecs } from '../parameters/parameter-spec.ts';
import type { DepthPath, ParameterLookup } from './depth-path.ts';
import type { ResidualAdd } from './residual/residual-path.ts';
import type { ValueMixer } from './value-mixer.ts';

/** What one option of a mechanism may hold, and what it is when it is left out. */
export interface DepthOption<Value> {
  readonly rule: FieldRule;
  readonly default: Value;
}

/** One forward pass, as a mechanism sees it. */
export interface DepthPass {
  readonly config: BlockConfig;
  /** Embeddings `[B, T, C]`: what the first block reads. */
  readonly x: Tensor;
  readonly parameter: ParameterLookup;
  /** The residual sum of the model's norm placement. */
  readonly join: ResidualAdd;
  /** Depth slots of this pass; null for mechanisms without. */
  readonly stream: SlotStream | null;
}

/** Depth keys and values that a mechanism keeps during a forward pass. */
export interface DepthSlots {
  /** Slots that all blocks write together. */
  readonly written: number;
  /** Slots that a block leaves to later blocks. */
  readonly perBlock: number;
  /** Slots that block `layer` reads: the newest of what earlier blocks left. */
  readBy(layer: number): number;
  /** Positions whose slots a query of a sequence of T reads, on average. */
  positions(T: number): number;
}

/** Slots that the attention of each block reads under the softmax of its sequence keys. */
export interface AttentionSlots {
  /** What an attention layer knows of them. */
  readonly layer: Pick<AttentionLayerConfig, 'depthKeyNorm' | 'depthRope' | 'depthChunk' | 'depthSlots'>;
  /** How they are chosen by score; null where all positions keep the same. */
  readonly scored: ScoredStreamOptions | null;
  /** Whether a head is more than one softmax over sequence and slots, so that there is no map of it. */
  readonly isGated: boolean;
}

/** What the fused decoding kernels compute for a mechanism; `slots` null for a block without depth. */
export interface FusedDepth {
  readonly slots: { readonly hasNorm: boolean; readonly hasRope: boolean; readonly hasFfnSlot: boolean } | null;
}

/**
 * One way in which information of earlier blocks reaches a later one: its options, its parameters and its computation. A mechanism is
 * a folder beside this file and one entry of `mechanisms`; what it leaves out is that of an ordinary transformer.
 */
export interface DepthMechanism<Depth extends { readonly kind: string } = { readonly kind: string }> {
  /** Its name in configurations. */
  readonly kind: Depth['kind'];
  /** Its options besides `kind`. */
  readonly options: { readonly [option in Exclude<keyof Depth, 'kind'>]: DepthOption<Depth[option]> };
  /**
   * What becomes of the sum `x + f(x)`: blocks read and write it alone (`kept`), it is mixed with earlier outputs between blocks
   * (`mixed`), or something else takes its place, so that a norm after it has no meaning (`replaced`).
   */
  readonly residualSum: 'kept' | 'mixed' | 'replaced';
  /** @throws ConfigError for options or a model that the mechanism cannot have */
  check?(config: BlockConfig, depth: Depth): void;
  /** Parameters that it adds to block `layer`; `layer === nLayers` asks for those after the last block. */
  specs?(config: BlockConfig, depth: Depth, layer: number): ParameterSpecs;
  /** How sub-layers are joined in one pass; the residual sum by default. */
  path?(pass: DepthPass, depth: Depth): DepthPath;
  /** What takes the place of each layer's values in one pass. */
  mixValues?(pass: DepthPass, depth: Depth): ValueMixer;
  slots?(config: BlockConfig, depth: Depth): DepthSlots;
  attentionSlots?(depth: Depth): AttentionSlots;
  /** Null for options that the kernels do not know; absent: a model decodes by general operators. */
  fused?(depth: Depth): FusedDepth | null;
  /** Whether a block can be computed again alone, for activation checkpointing; absent: it cannot. */
  canRecompute?(depth: Depth): boolean;
}
