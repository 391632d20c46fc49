import type { AttentionMaps, LayerMap } from '../../attention/attention-messages.ts';

/** A slot in few letters for an axis: block and part. */
export function slotLabel(slot: LayerMap['slots'][number]): string {
  if (slot === null) return 'kept';
  return `${slot.layer} ${slot.part === 'attention' ? 'attn' : 'ffn'}`;
}

/** A slot in words. */
export function slotName(slot: LayerMap['slots'][number]): string {
  if (slot === null) return 'kept by score, of a layer that differs by token';
  return `layer ${slot.layer}, ${slot.part === 'attention' ? 'attention' : 'FFN'}`;
}

/** Weight of one head's query `row` on column `column`: sequence keys first, then slots. */
export function weightAt(maps: AttentionMaps, layer: number, head: number, row: number, column: number): number {
  const T = maps.tokens.length;
  const { sequence, depth, slots } = maps.layers[layer];
  const S = slots.length;
  return column < T ? sequence[(head * T + row) * T + column] : depth[(head * T + row) * S + column - T];
}

/** Share of a query's softmax on the depth part. */
export function rowDepthMass(maps: AttentionMaps, layer: number, head: number, row: number): number {
  const T = maps.tokens.length;
  const { depth, slots } = maps.layers[layer];
  const S = slots.length;
  return depth.subarray((head * T + row) * S, (head * T + row + 1) * S).reduce((sum, weight) => sum + weight, 0);
}

/** Everything on the page as JSON: maps `[L][H][T][T + S]` split at the boundary, and the matrices. */
export function mapsJson(maps: AttentionMaps, model: string): string {
  const T = maps.tokens.length;
  const rows = (values: Float32Array, head: number, columns: number): number[][] =>
    Array.from({ length: T }, (_, t) =>
      Array.from(values.subarray((head * T + t) * columns, (head * T + t + 1) * columns)),
    );
  const layers = maps.layers.map(({ sequence, depth, slots }, layer) => ({
    layer,
    slots,
    heads: Array.from({ length: maps.nHeads }, (_, head) => ({
      head,
      sequence: rows(sequence, head, T),
      depth: rows(depth, head, slots.length),
    })),
  }));
  const { prompt, tokens, depthMass, sinkMass } = maps;
  return `${JSON.stringify({ model, prompt, tokens, layers, depthMass, sinkMass })}\n`;
}
