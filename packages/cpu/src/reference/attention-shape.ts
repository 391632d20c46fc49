/** A run of depth slots: k `[slots, B, Td, Hkv, D]`, v `[slots, B, Td, Hkv, Dv]`, row-major. */
export interface DepthReferenceSegment {
  readonly k: Float64Array;
  readonly v: Float64Array;
  readonly slots: number;
}

/** Depth keys and values of one call: the first `S` slots, counted through the segments. */
export interface DepthReference {
  readonly S: number;
  readonly segments: readonly DepthReferenceSegment[];
  /** Positions held by a slot; query i has depth position `Td - T + i`. */
  readonly Td: number;
  /** 1 is MoDA; C > 1 also shows the slots of earlier positions of the own chunk of C positions. */
  readonly chunk: number;
  /** Absolute position of depth position 0, modulo `chunk`; with `docRange` chunks count from each document's start. */
  readonly chunkPhase: number;
}

/** Sizes and visibility of one attention call; all arrays row-major, see `attentionReference`. */
export interface AttentionShape {
  readonly B: number;
  readonly T: number;
  readonly Tk: number;
  /** Positions allocated per batch row of k and v, of which the first Tk are keys. */
  readonly keyCapacity: number;
  readonly H: number;
  readonly Hkv: number;
  readonly D: number;
  readonly Dv: number;
  readonly scale: number;
  readonly causal: boolean;
  readonly window: number | null;
  /** c of the cap `c tanh(s / c)` on scaled scores s, or null. */
  readonly softcap: number | null;
  /** `[B, T, 2]`: key range [start, end) of each query's document, or null. */
  readonly docRange: Float64Array | null;
}

/** Where one key of a query lives: its key and value rows as `[array, offset]` pairs. */
export interface VisibleKey {
  /** -1 for a sequence key, otherwise the index of the depth segment. */
  readonly segment: number;
  /** Element offset of the key row (length D). */
  readonly kOffset: number;
  /** Element offset of the value row (length Dv). */
  readonly vOffset: number;
}

/**
 * The keys that the query at row i of batch b sees for key/value head `kv`: sequence keys ascending, then depth
 * positions ascending with slots ascending inside each. With `docRange`, chunks count from the document's start; the own
 * position is always visible.
 */
export function visibleKeys(
  shape: AttentionShape,
  hasSequence: boolean,
  depth: DepthReference | null,
  b: number,
  i: number,
  kv: number,
): VisibleKey[] {
  const keys: VisibleKey[] = [];
  if (hasSequence) addSequenceKeys(keys, shape, b, i, kv);
  if (depth) addDepthKeys(keys, shape, depth, b, i, kv);
  return keys;
}

function addSequenceKeys(keys: VisibleKey[], shape: AttentionShape, b: number, i: number, kv: number): void {
  const { T, Tk, keyCapacity, Hkv, D, Dv, causal, window, docRange } = shape;
  const position = Tk - T + i;
  for (let j = 0; j < Tk; j++) {
    if (causal && j > position) continue;
    if (window !== null && position - j >= window) continue;
    if (docRange && (j < docRange[(b * T + i) * 2] || j >= docRange[(b * T + i) * 2 + 1])) continue;
    const row = (b * keyCapacity + j) * Hkv + kv;
    keys.push({ segment: -1, kOffset: row * D, vOffset: row * Dv });
  }
}

function addDepthKeys(
  keys: VisibleKey[],
  shape: AttentionShape,
  depth: DepthReference,
  b: number,
  i: number,
  kv: number,
): void {
  const { B, T, Tk, Hkv, D, Dv, docRange } = shape;
  const { S, segments, Td, chunk, chunkPhase } = depth;
  const own = Td - T + i;
  const origin = docRange ? Math.min(own, own - (Tk - T + i) + docRange[(b * T + i) * 2]) : -chunkPhase;
  const first = Math.max(0, own - ((own - origin) % chunk));
  for (let position = first; position <= own; position++) {
    let slot = 0;
    for (let segment = 0; segment < segments.length; segment++) {
      for (let local = 0; local < segments[segment].slots && slot < S; local++, slot++) {
        const row = ((local * B + b) * Td + position) * Hkv + kv;
        keys.push({ segment, kOffset: row * D, vOffset: row * Dv });
      }
    }
  }
}
