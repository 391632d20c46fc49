import type { BlockShares } from '../../figure/writer-shares.ts';
import { blockColor, blockY, PANEL } from './figure-geometry.ts';

const SLOT_X = 44;
const SLOT = 18;
const BAR_X = 226;
const BAR_WIDTH = 84;
/** Width of a line that carries all of a softmax. */
const ALL = 16;

interface SlotsProps {
  readonly blocks: number;
  /** The block that reads now. */
  readonly block: number;
  /** Null until the model has looked. */
  readonly shares: readonly BlockShares[] | null;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** Blocks beside the slots that they wrote; lines to the slots that the block in front reads, as thick as its softmax says. */
export function Slots({ blocks, block: active, shares }: SlotsProps) {
  const { width, height, blockX, blockWidth, blockHeight } = PANEL;
  const all = Array.from({ length: blocks }, (_, block) => block);
  const masses = shares?.map(({ depth }, block) => `block ${block} ${percent(depth)}`).join(', ');
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={`A MoDA model of ${blocks} blocks: each reads the slots of all blocks before it. Depth mass: ${masses ?? 'not known yet'}.`}
    >
      {shares?.[active]?.writers.map((share, writer) => {
        const [from, to] = [blockY(writer, blocks), blockY(active, blocks)];
        const middle = (SLOT_X + SLOT + blockX) / 2;
        return (
          <path
            key={writer}
            class="slot-read"
            d={`M${SLOT_X + SLOT} ${from} C${middle + 16} ${from} ${middle} ${to} ${blockX} ${to}`}
            style={{ stroke: blockColor(writer), strokeWidth: Math.max(0.75, ALL * share) }}
          />
        );
      })}
      {all.map((block) => {
        const y = blockY(block, blocks);
        const depth = shares?.[block]?.depth ?? 0;
        const share = shares?.[active]?.writers[block];
        return (
          <g key={block} class={block === active ? 'is-active' : block > active ? 'is-later' : undefined}>
            {block === active && block + 1 < blocks && (
              <path
                class="write"
                d={`M${blockX} ${y - 9} H${SLOT_X + SLOT + 3}`}
                style={{ stroke: blockColor(block) }}
              />
            )}
            {block + 1 < blocks && (
              <rect
                class="slot"
                x={SLOT_X}
                y={y - SLOT / 2}
                width={SLOT}
                height={SLOT}
                rx={3}
                style={{ fill: blockColor(block) }}
              />
            )}
            {share !== undefined && (
              <text class="share is-left" x={SLOT_X - 6} y={y}>
                {percent(share)}
              </text>
            )}
            <rect
              x={blockX}
              y={y - blockHeight / 2}
              width={blockWidth}
              height={blockHeight}
              rx={5}
              style={{ stroke: blockColor(block) }}
            />
            <text x={blockX + blockWidth / 2} y={y}>
              block {block}
            </text>
            <rect class="bar" x={BAR_X} y={y - 4} width={BAR_WIDTH} height={8} rx={2} />
            <rect class="bar-depth" x={BAR_X} y={y - 4} width={BAR_WIDTH * depth} height={8} rx={2} />
            <text class="mass" x={BAR_X + BAR_WIDTH} y={y - 12}>
              {shares === null ? '' : percent(depth)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
