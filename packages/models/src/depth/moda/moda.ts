import type { BlockConfig } from '../../config/block-config.ts';
import { flag, oneOf, orNull, wholeFrom } from '../../config/field-rule.ts';
import { refuseConfig } from '../../config/refuse-config.ts';
import type { DepthMechanism } from '../depth-mechanism.ts';
import { type ModaDepth, modaOptions } from './moda-depth.ts';
import { checkModa, slotsPerBlock } from './moda-slots.ts';
import { modaSpecs } from './moda-specs.ts';

function check(config: BlockConfig, depth: ModaDepth): void {
  const { slots, slotsBy } = depth;
  if (slotsBy !== 'recency' && slots === null) {
    refuseConfig(
      'depth.slotsBy needs a bounded stream',
      { 'depth.slotsBy': slotsBy, 'depth.slots': slots },
      'Set depth.slots to how many to keep.',
    );
  }
  if (slotsBy !== 'recency' && config.headDim > 248) {
    const { headDim } = config;
    refuseConfig('headDim must leave room for a score', { headDim }, 'Use a headDim of at most 248.');
  }
  checkModa(config, depth);
}

/** Slots to keep by score, of which some newest whatever their score. */
function scored({ slots, slotsBy }: ModaDepth): { keep: number; recent: number } | null {
  if (slots === null || slotsBy === 'recency') return null;
  return { keep: slots, recent: slotsBy === 'both' ? Math.ceil(slots / 2) : 0 };
}

/**
 * Mixture-of-Depths Attention: one softmax over the keys of the sequence and the slots that earlier blocks left at the query's own
 * position. Each block leaves its attention's keys and values, and by default those projected from its FFN's input.
 *
 * Reference: arXiv 2603.15619.
 */
export const moda: DepthMechanism<ModaDepth> = {
  kind: 'moda',
  options: {
    ...modaOptions,
    gate: { rule: flag, default: false },
    slots: { rule: orNull(wholeFrom(1)), default: null },
    slotsBy: { rule: oneOf('recency', 'score', 'both'), default: 'recency' },
  },
  residualSum: 'kept',
  check,
  specs: modaSpecs,
  slots: ({ nLayers }, depth) => {
    const perBlock = slotsPerBlock(depth);
    return {
      written: (nLayers - 1) * perBlock,
      perBlock,
      readBy: (layer) => Math.min(layer * perBlock, depth.slots ?? Number.POSITIVE_INFINITY),
      positions: () => 1,
    };
  },
  attentionSlots: (depth) => ({
    layer: { depthKeyNorm: depth.keyNorm, depthRope: depth.rope, depthChunk: 1, depthSlots: depth.slots },
    scored: scored(depth),
    isGated: depth.gate,
  }),
  fused: ({ keyNorm, rope, ffnProjection, gate, slotsBy }) => {
    if (keyNorm === 'reader' || slotsBy !== 'recency' || gate) return null;
    return { slots: { hasNorm: keyNorm === 'writer', hasRope: rope === 'shared', hasFfnSlot: ffnProjection } };
  },
  canRecompute: ({ slotsBy }) => slotsBy === 'recency',
};
