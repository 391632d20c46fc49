/** Size of a panel, and where its parts stand, in units of its view box. */
export const PANEL = {
  width: 320,
  height: 300,
  top: 14,
  bottom: 286,
  blockX: 128,
  blockWidth: 78,
  blockHeight: 30,
} as const;

/** Middle of a block's height; blocks stand one above the other, the first at the bottom. */
export function blockY(block: number, blocks: number): number {
  const room = (PANEL.bottom - PANEL.top) / blocks;
  return PANEL.bottom - (block + 0.5) * room;
}

/** The colour of what a block writes. */
export const blockColor = (block: number): string => `var(--series-${(block % 8) + 1})`;

/** The colour of the sum of what blocks 0 to `last` wrote: equal parts, and soon like any other sum. */
export function sumColor(last: number): string {
  let color = blockColor(0);
  for (let block = 1; block <= last; block++) {
    color = `color-mix(in srgb, ${color} ${((100 * block) / (block + 1)).toFixed(1)}%, ${blockColor(block)})`;
  }
  return color;
}
