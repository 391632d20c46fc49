import { useMemo } from 'preact/hooks';
import type { ScaleKind } from './color-scale.ts';
import { Heatmap } from './heatmap.tsx';
import { type HeatmapData, layoutHeatmap } from './heatmap-layout.ts';

interface MassMatrixProps {
  readonly title: string;
  readonly note: string;
  /** `[L][H]` */
  readonly mass: readonly (readonly number[])[];
  readonly scale: ScaleKind;
  readonly layer: number;
  readonly head: number;
  readonly onPick: (layer: number, head: number) => void;
}

/** A share of the softmax by layer and head; a cell picks the head that is drawn. */
export function MassMatrix({ title, note, mass, scale, layer, head, onPick }: MassMatrixProps) {
  const data = useMemo(
    (): HeatmapData => ({
      rows: mass.map((_, i) => `layer ${i}`),
      columns: mass[0].map((_, i) => `head ${i}`),
      boundary: null,
      weightAt: (row, column) => mass[row][column],
    }),
    [mass],
  );
  const showsNumbers = layoutHeatmap(data, 400).cell >= 24;
  return (
    <div class="card">
      <h2>{title}</h2>
      <p class="note">{note}</p>
      <Heatmap
        label={`${title} by layer and head`}
        data={data}
        scale={scale}
        showsNumbers={showsNumbers}
        selected={{ row: layer, column: head }}
        describe={({ row, column }) => `Layer ${row}, head ${column}: ${(100 * mass[row][column]).toFixed(2)} %.`}
        onPick={({ row, column }) => onPick(row, column)}
      />
    </div>
  );
}
