import type { AttentionMaps } from '../attention/attention-messages.ts';

/** How one block shares out its softmax at one position, mean over heads. */
export interface BlockShares {
  /** On the slots of each earlier block, both slots of a block together. */
  readonly writers: readonly number[];
  /** On all slots: the depth mass. */
  readonly depth: number;
}

/** Shares of every block at one position of the prompt; in each the depth mass is the sum over writers. */
export function sharesAt({ layers, nHeads, tokens }: AttentionMaps, position: number): BlockShares[] {
  return layers.map(({ depth, slots }, block) => {
    const writers = new Array<number>(block).fill(0);
    for (let head = 0; head < nHeads; head++) {
      const row = (head * tokens.length + position) * slots.length;
      slots.forEach((slot, i) => {
        if (slot !== null) writers[slot.layer] += depth[row + i] / nHeads;
      });
    }
    return { writers, depth: writers.reduce((sum, share) => sum + share, 0) };
  });
}
