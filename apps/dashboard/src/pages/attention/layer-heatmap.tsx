import { useMemo } from 'preact/hooks';
import type { AttentionMaps } from '../../attention/attention-messages.ts';
import type { ScaleKind } from './color-scale.ts';
import { Heatmap } from './heatmap.tsx';
import type { HeatmapData } from './heatmap-layout.ts';
import { rowDepthMass, slotLabel, slotName, weightAt } from './map-text.ts';

interface LayerHeatmapProps {
  readonly maps: AttentionMaps;
  readonly layer: number;
  readonly head: number;
  readonly scale: ScaleKind;
}

/** One head as in the paper's Fig. 5: a query a row, sequence keys left of the dashed line and depth slots right of it. */
export function LayerHeatmap({ maps, layer, head, scale }: LayerHeatmapProps) {
  const { tokens } = maps;
  const T = tokens.length;
  const { slots } = maps.layers[layer];
  const data = useMemo(
    (): HeatmapData => ({
      rows: tokens,
      columns: [...tokens, ...slots.map(slotLabel)],
      boundary: slots.length > 0 ? T : null,
      parts: slots.length > 0 ? ['Sequence', 'Depth'] : undefined,
      weightAt: (row, column) => (column < T && column > row ? null : weightAt(maps, layer, head, row, column)),
    }),
    [maps, layer, head],
  );
  const describe = ({ row, column }: { readonly row: number; readonly column: number }): string => {
    const query = `Token ${row} “${tokens[row]}”`;
    if (column < T && column > row)
      return `${query} does not see token ${column} “${tokens[column]}”, which comes after it.`;
    const weight = weightAt(maps, layer, head, row, column).toFixed(4);
    const key =
      column < T ? `token ${column} “${tokens[column]}”` : `slot ${column - T} (${slotName(slots[column - T])})`;
    const depth =
      slots.length > 0 ? ` Depth part of this row: ${(100 * rowDepthMass(maps, layer, head, row)).toFixed(1)} %.` : '';
    return `${query} → ${key}: ${weight}.${depth}`;
  };
  return <Heatmap label={`Attention of layer ${layer}, head ${head}`} data={data} scale={scale} describe={describe} />;
}
