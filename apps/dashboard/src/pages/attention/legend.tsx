import { useColorTheme } from '../../shell/color-theme.ts';
import { type ScaleKind, scaleColor, scaleShare } from './color-scale.ts';

const TICKS = [0, 0.05, 0.25, 0.5, 1];

/** The colour scale, with the weights at its marks. */
export function Legend({ scale, most = 1 }: { readonly scale: ScaleKind; readonly most?: number }) {
  const theme = useColorTheme();
  const stops = Array.from({ length: 12 }, (_, i) => scaleColor(i / 11, theme));
  return (
    <figure class="legend">
      <figcaption class="field-label">Weight</figcaption>
      <div class="legend-bar" style={{ background: `linear-gradient(to right, ${stops.join(', ')})` }} />
      <div class="legend-ticks">
        {TICKS.map((tick) => (
          <span key={tick} style={{ left: `${100 * scaleShare(tick, scale)}%` }}>
            {Number((tick * most).toPrecision(2))}
          </span>
        ))}
      </div>
    </figure>
  );
}
