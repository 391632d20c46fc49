import type { Axis } from '../../runs/axes.ts';

/** How the curves are drawn. */
export interface DrawingOptions {
  readonly axis: Axis;
  readonly smoothing: number;
  readonly isLogY: boolean;
}

const AXES: readonly (readonly [Axis, string])[] = [
  ['step', 'Step'],
  ['tokens', 'Tokens'],
  ['time', 'Time'],
];

interface RunToolbarProps {
  readonly options: DrawingOptions;
  readonly onOptions: (options: DrawingOptions) => void;
  readonly isZoomed: boolean;
  readonly onReset: () => void;
}

/** Axis, smoothing, logarithm, and the way back from a zoom. */
export function RunToolbar({ options, onOptions, isZoomed, onReset }: RunToolbarProps) {
  return (
    <div class="run-toolbar">
      <fieldset class="segments">
        <legend class="visually-hidden">Horizontal axis</legend>
        {AXES.map(([axis, label]) => (
          <label key={axis}>
            <input
              type="radio"
              name="axis"
              checked={options.axis === axis}
              onChange={() => onOptions({ ...options, axis })}
            />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <label class="smoothing">
        Smoothing
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={options.smoothing}
          onInput={(event) => onOptions({ ...options, smoothing: event.currentTarget.valueAsNumber })}
        />
        <output>{options.smoothing.toFixed(2)}</output>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={options.isLogY}
          onChange={(event) => onOptions({ ...options, isLogY: event.currentTarget.checked })}
        />{' '}
        Logarithmic
      </label>
      <button type="button" disabled={!isZoomed} onClick={onReset}>
        Show all
      </button>
      <span class="hint">Drag over a chart to zoom to full detail; double click to see all.</span>
    </div>
  );
}
