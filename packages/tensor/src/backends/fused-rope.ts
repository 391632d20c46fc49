import type { ArrayView, RopeOptions } from './backend.ts';

/** RMS norm of keys or queries before they turn: over all heads of a position (`full`) or over each. */
export interface RopeNorm {
  readonly full: boolean;
  readonly eps: number;
  /** `[H*D]` when full, else `[D]`; null for 1. */
  readonly weight: ArrayView | null;
  /** f32 `[B*T]` when full, else `[B*T*H]`. */
  readonly rstd: ArrayView;
}

/**
 * What normalises and turns in passes of its own, for devices on which a pass costs more than its work. Where a backend has none,
 * operators are made of smaller ones.
 */
export interface FusedRope {
  /** `rope` of q `[B, T, H, D]` and of k `[B, T, Hkv, D]`, into memory of different storages. */
  ropePair(
    q: ArrayView,
    k: ArrayView,
    positions: ArrayView,
    outQ: ArrayView,
    outK: ArrayView,
    options: RopeOptions,
  ): void;
  /** Gradients of `rmsNormRope`: x, dOut, dx `[B, T, H, D]`; dWeight as for `rmsNormBackward`. */
  normGradient(
    x: ArrayView,
    positions: ArrayView,
    norm: RopeNorm,
    rope: RopeOptions,
    dOut: ArrayView,
    dx: ArrayView,
    dWeight: ArrayView | null,
    accumulate: boolean,
  ): void;
}
