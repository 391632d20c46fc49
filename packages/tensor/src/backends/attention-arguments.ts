import type { ArrayView } from './backend.ts';

/** A run of depth slots in one allocation: k `[slots, B, Td, Hkv, D]`, v `[slots, B, Td, Hkv, Dv]`, contiguous. */
export interface DepthSegment {
  readonly k: ArrayView;
  readonly v: ArrayView;
}

/** Depth keys and values of one call. Slots `0 .. S-1`, counted through the segments in order, are read; later ones never are. */
export interface DepthArguments {
  /** Slots in use, at least 1 (S = 0 is `depth: null`). */
  readonly S: number;
  readonly segments: readonly DepthSegment[];
  /** Positions held by a slot; query i has depth position `Td - T + i`. */
  readonly Td: number;
  /** C of `modaChunkVisible`; 1 is MoDA: the own position only. */
  readonly chunk: number;
  /** Absolute position of depth position 0, modulo `chunk`; with `docRange` chunks count from each document's start. */
  readonly chunkPhase: number;
}

/**
 * One softmax over sequence and depth keys (`moda.md` section 1).
 * Query i of a row sits at key position `Tk - T + i`. All views contiguous.
 */
export interface AttentionArguments {
  /** `[B, T, H, D]` */
  readonly q: ArrayView;
  /** `[B, keyCapacity, Hkv, D]`, of which the first `Tk` positions of each batch row are keys; null for depth attention alone. */
  readonly k: ArrayView | null;
  /** `[B, keyCapacity, Hkv, Dv]` */
  readonly v: ArrayView | null;
  readonly Tk: number;
  readonly scale: number;
  readonly causal: boolean;
  /** Keys with `position - j >= window` are hidden; null for no window. */
  readonly window: number | null;
  /** c of the cap `c tanh(s / c)` on scaled scores s, of sequence and of depth keys; null for none. */
  readonly softcap: number | null;
  /** i32 `[B, T, 2]`: key range [start, end) of the row's document, monotone over t; null when rows are one document. */
  readonly docRange: ArrayView | null;
  readonly depth: DepthArguments | null;
  /** `[B, T, H, Dv]` */
  readonly out: ArrayView;
  /** f32 `[B, H, T]`, natural log; -Inf for rows that see no key (their out is 0). */
  readonly lse: ArrayView;
}

/**
 * Adds gradients. dq is overwritten; dk and dv too, unless `accumulateKeys`. The gradients of depth slots are added to `dDepth` in place, or
 * not made: then `depthPairs` takes what they are computed from.
 */
export interface AttentionBackwardArguments extends AttentionArguments {
  readonly dOut: ArrayView;
  /** Gradient of lse, f32 `[B, H, T]`, or null when nobody used it. */
  readonly dLse: ArrayView | null;
  readonly dq: ArrayView;
  /** As `k`; positions from Tk on are left as they are. */
  readonly dk: ArrayView | null;
  readonly dv: ArrayView | null;
  /** Add to dk and dv. */
  readonly accumulateKeys: boolean;
  /** f32, same segments and shapes as `depth.segments`; null when nobody wants it, or `depthPairs` takes its place. */
  readonly dDepth: readonly DepthSegment[] | null;
  /** Add to dDepth; false: overwrite it. Operators always add, for a slot may have several readers. */
  readonly accumulateDepth: boolean;
  /**
   * WebGPU only, and only for shapes of which the kernels prefer that: overwritten with pairs (p, dS) `[S, B, T, H, 2]` of softmax probability
   * and score gradient in q's dtype, from which the caller computes dDepth later.
   */
  readonly depthPairs: ArrayView | null;
}
