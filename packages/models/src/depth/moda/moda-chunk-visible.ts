import type { BlockConfig } from '../../config/block-config.ts';
import { wholeFrom } from '../../config/field-rule.ts';
import { refuseConfig } from '../../config/refuse-config.ts';
import type { DepthMechanism } from '../depth-mechanism.ts';
import { type ModaChunkDepth, modaOptions } from './moda-depth.ts';
import { checkModa, slotsPerBlock } from './moda-slots.ts';
import { projectionSpecs } from './moda-specs.ts';

function check(config: BlockConfig, depth: ModaChunkDepth): void {
  const { kind, keyNorm } = depth;
  if (keyNorm === 'reader') {
    refuseConfig(
      'a chunk-visible stream takes keys normalised by their writer',
      { depth: kind, 'depth.keyNorm': keyNorm },
      "Set depth.keyNorm to 'writer' or 'none'.",
    );
  }
  checkModa(config, depth);
}

/**
 * Chunk-visible MoDA: a query sees the slots of all positions of its chunk of C up to its own. Decoding keeps the slots of the chunk
 * in progress.
 *
 * Reference: the authors' `moda_v16`.
 */
export const modaChunkVisible: DepthMechanism<ModaChunkDepth> = {
  kind: 'moda-chunk-visible',
  options: { ...modaOptions, chunk: { rule: wholeFrom(1), default: 1 } },
  residualSum: 'kept',
  check,
  specs: projectionSpecs,
  slots: ({ nLayers }, depth) => {
    const perBlock = slotsPerBlock(depth);
    return {
      written: (nLayers - 1) * perBlock,
      perBlock,
      readBy: (layer) => layer * perBlock,
      // On average half of the chunk's.
      positions: (T) => (Math.min(depth.chunk, T) + 1) / 2,
    };
  },
  attentionSlots: ({ keyNorm, rope, chunk }) => ({
    layer: { depthKeyNorm: keyNorm, depthRope: rope, depthChunk: chunk, depthSlots: null },
    scored: null,
    isGated: false,
  }),
  canRecompute: () => true,
};
