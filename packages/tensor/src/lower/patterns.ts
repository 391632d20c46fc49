import type { ArrayView, RopeOptions } from '../backends/backend.ts';

/**
 * The lowering table: runs of primitives for which a device may have one kernel, with their arguments. Results are memory that the caller
 * allocated, views are row-major unless it says "strided". What each means is its decomposition (`decompositions.ts`). Attention is no entry:
 * it is a primitive of every device (`Backend.attention`).
 */
export interface Patterns {
  /** `sum = x + y` (rounded to the dtype), `out = norm(sum)`: an RMS norm where `mean` is null, else a layer norm. */
  readonly addNorm: {
    readonly x: ArrayView;
    readonly y: ArrayView;
    /** `[N]`, or null for 1. */
    readonly weight: ArrayView | null;
    /** `[N]`, or null for 0; null for an RMS norm. */
    readonly bias: ArrayView | null;
    readonly eps: number;
    /** Memory of their own. */
    readonly sum: ArrayView;
    readonly out: ArrayView;
    /** f32, one a row. */
    readonly mean: ArrayView | null;
    readonly rstd: ArrayView;
  };
  /** `out = rope(rmsNorm(x))` of queries or keys `[B, T, H, D]`: norm and rotation take all of D. */
  readonly normRope: NormRope & { readonly eps: number; readonly out: ArrayView };
  /** The gradients of `normRope`: dx is overwritten, dWeight too unless `accumulate`. */
  readonly normRopeGradient: NormRope & {
    readonly dOut: ArrayView;
    readonly dx: ArrayView;
    /** Of weight's dtype or f32; null when weight is null. */
    readonly dWeight: ArrayView | null;
    readonly accumulate: boolean;
  };
  /** `rope` of q `[B, T, H, D]` and of k `[B, T, Hkv, D]`. */
  readonly ropePair: {
    readonly q: ArrayView;
    readonly k: ArrayView;
    readonly positions: ArrayView;
    readonly outQ: ArrayView;
    readonly outK: ArrayView;
    readonly rope: RopeOptions;
  };
  /** Both gradients of `swiglu`. Strided gate, up and dOut, broadcast to one shape; dGate and dUp are memory of their own. */
  readonly swigluGradient: {
    readonly gate: ArrayView;
    readonly up: ArrayView;
    readonly dOut: ArrayView;
    readonly dGate: ArrayView;
    readonly dUp: ArrayView;
  };
}

interface NormRope {
  readonly x: ArrayView;
  /** `[H*D]` when `full`, else `[D]`; null for 1. */
  readonly weight: ArrayView | null;
  /** i32 `[B, T]` */
  readonly positions: ArrayView;
  /** One norm over all heads of a position, else one over each head. */
  readonly full: boolean;
  /** f32 `[B*T]` when `full`, else `[B*T*H]`. */
  readonly rstd: ArrayView;
  readonly rope: RopeOptions;
}

export type PatternName = keyof Patterns;

/** Kernels that a device has for patterns: each returns false, and has done nothing, for arguments that it cannot take. */
export type FusedKernels = { readonly [Name in PatternName]?: (args: Patterns[Name]) => boolean };
