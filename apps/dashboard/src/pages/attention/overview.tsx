import { useEffect, useRef } from 'preact/hooks';
import type { AttentionMaps } from '../../attention/attention-messages.ts';
import { useColorTheme } from '../../shell/color-theme.ts';
import { type ScaleKind, scaleColor, scaleShare } from './color-scale.ts';
import { weightAt } from './map-text.ts';

interface OverviewProps {
  readonly maps: AttentionMaps;
  readonly scale: ScaleKind;
  readonly layer: number;
  readonly head: number;
  readonly onPick: (layer: number, head: number) => void;
}

/** Heads that stand below one another; a figure of more is not read. */
const MAX_HEADS = 8;

/** Four blocks spread over the model: the paper draws 0, 11, 23 and 35 of 36. */
function spreadLayers(count: number): number[] {
  return [...new Set([0, 1, 2, 3].map((i) => Math.round((i * (count - 1)) / 3)))];
}

/** The paper's Fig. 5 for this prompt: four blocks side by side, one head a row. A picture picks its head. */
export function Overview({ maps, scale, layer, head, onPick }: OverviewProps) {
  const heads = Array.from({ length: Math.min(MAX_HEADS, maps.nHeads) }, (_, i) => i);
  return (
    <div class="card">
      <h2>Four blocks at a glance</h2>
      <p class="note">As in Fig. 5 of the paper: a head a row, sequence left and depth right of the dashed line.</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the keyboard's focus */}
      <section class="overview-scroll" tabIndex={0} aria-label="Four blocks at a glance">
        <table class="overview">
          <thead>
            <tr>
              <th scope="col">
                <span class="visually-hidden">Head</span>
              </th>
              {spreadLayers(maps.layers.length).map((block) => (
                <th key={block} scope="col">
                  layer {block}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {heads.map((row) => (
              <tr key={row}>
                <th scope="row">head {row}</th>
                {spreadLayers(maps.layers.length).map((block) => (
                  <td key={block}>
                    <button
                      type="button"
                      class="thumbnail"
                      aria-label={`Layer ${block}, head ${row}`}
                      aria-pressed={block === layer && row === head}
                      onClick={() => onPick(block, row)}
                    >
                      <Thumbnail {...{ maps, scale }} layer={block} head={row} />
                    </button>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

function Thumbnail({ maps, scale, layer, head }: Omit<OverviewProps, 'onPick'>) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useColorTheme();
  const T = maps.tokens.length;
  const S = maps.layers[layer].slots.length;
  const cell = Math.max(1, Math.min(5, Math.floor(190 / (T + S + 3))));
  const gap = S > 0 ? 9 : 0;
  const [width, height] = [(T + S) * cell + gap, T * cell];
  useEffect(() => {
    const ratio = devicePixelRatio || 1;
    const element = canvas.current!;
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
    const context = element.getContext('2d')!;
    context.scale(ratio, ratio);
    for (let row = 0; row < T; row++) {
      for (let column = 0; column < T + S; column++) {
        if (column < T && column > row) continue;
        context.fillStyle = scaleColor(scaleShare(weightAt(maps, layer, head, row, column), scale), theme);
        context.fillRect(column * cell + (column < T ? 0 : gap), row * cell, cell, cell);
      }
    }
    if (S === 0) return;
    context.strokeStyle = getComputedStyle(element).getPropertyValue('--text');
    context.setLineDash([4, 3]);
    context.beginPath();
    context.moveTo(T * cell + gap / 2, 0);
    context.lineTo(T * cell + gap / 2, height);
    context.stroke();
  }, [maps, layer, head, scale, theme]);
  return <canvas ref={canvas} style={{ width: `${width}px`, height: `${height}px` }} />;
}
