import { blockColor, blockY, PANEL, sumColor } from './figure-geometry.ts';

const STREAM_X = 60;

interface ResidualProps {
  readonly blocks: number;
  /** The block that reads now. */
  readonly block: number;
}

/** Blocks beside the one tensor that they all add to. */
export function Residual({ blocks, block: active }: ResidualProps) {
  const { width, height, blockX, blockWidth, blockHeight, top, bottom } = PANEL;
  const all = Array.from({ length: blocks }, (_, block) => block);
  const label = `A transformer of ${blocks} blocks: each reads the residual stream, one sum, and adds its output to it.`;
  return (
    <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <line x1={STREAM_X} y1={bottom} x2={STREAM_X} y2={blockY(0, blocks) - 9} class="stream" />
      {all.map((block) => {
        const from = blockY(block, blocks) - 9;
        const to = block + 1 < blocks ? blockY(block + 1, blocks) - 9 : top - 10;
        return (
          <line
            key={block}
            x1={STREAM_X}
            y1={from}
            x2={STREAM_X}
            y2={to}
            class={`stream ${block < active ? '' : 'is-later'}`}
            style={{ stroke: sumColor(block) }}
          />
        );
      })}
      {all.map((block) => {
        const y = blockY(block, blocks);
        const isActive = block === active;
        return (
          <g key={block} class={isActive ? 'is-active' : block > active ? 'is-later' : undefined}>
            <path
              class="read"
              d={`M${STREAM_X + 7} ${y + 7} H${blockX - 4}`}
              style={isActive && block > 0 ? { stroke: sumColor(block - 1), strokeWidth: 5 } : undefined}
            />
            <path class="write" d={`M${blockX} ${y - 9} H${STREAM_X + 11}`} style={{ stroke: blockColor(block) }} />
            <circle class="plus" cx={STREAM_X} cy={y - 9} r={7} />
            <text class="plus-sign" x={STREAM_X} y={y - 9}>
              +
            </text>
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
            {isActive && (
              <text class="share" x={blockX + blockWidth + 12} y={y}>
                {block === 0 ? 'reads the input' : 'reads one sum'}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}
