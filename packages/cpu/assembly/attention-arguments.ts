// Arguments of the attention family, which keys a query sees, and the cap on logits.
import { splat, tanh4 } from './simd-math';

@unmanaged
export class AttentionArguments {
  /** [B, T, H, D] */
  q: usize;
  /** [B, keyCapacity, Hkv, D] or 0 */
  k: usize;
  /** [B, keyCapacity, Hkv, Dv] */
  v: usize;
  /** [B, T, H, Dv] */
  out: usize;
  /** [B, H, T] */
  lse: usize;
  /** i32 [B, T, 2] or 0 */
  docRange: usize;
  B: i32;
  T: i32;
  H: i32;
  Hkv: i32;
  D: i32;
  Dv: i32;
  Tk: i32;
  keyCapacity: i32;
  scale: f32;
  isCausal: i32;
  /** i32.MAX_VALUE for none. */
  window: i32;
  /** c of the cap c tanh(s / c) on scaled scores s; 0 for none. */
  softcap: f32;
  /** Depth slots; 0 for plain attention. */
  S: i32;
  Td: i32;
  chunk: i32;
  chunkPhase: i32;
  /** u32 [S, 4]: addresses of a slot's k, v, dk, dv, each [B, Td, Hkv, D or Dv]. */
  slots: usize;
  dOut: usize;
  /** [B, H, T] or 0 */
  dLse: usize;
  dq: usize;
  dk: usize;
  dv: usize;
  /** [B, H, T]: rowsum(dOut * out) - dLse. */
  delta: usize;
  accumulatesDepth: i32;
  /** The key pass takes whole key/value heads and computes dq too. */
  isFused: i32;
  /** The depth pass owns the queries that read a position, and adds their gradient. */
  isDepthOwner: i32;
}

/** A scaled score as the softmax sees it. */
// @ts-ignore: decorator
@inline export function capped(a: AttentionArguments, score: f32): f32 {
  if (a.softcap == 0) return score;
  return f32x4.extract_lane(capped4(splat(score), a.softcap), 0);
}

/** Slope of a logit as a function of its scaled score. */
// @ts-ignore: decorator
@inline export function capSlope(a: AttentionArguments, logit: f32): f32 {
  if (a.softcap == 0) return 1;
  const t = logit / a.softcap;
  return 1 - t * t;
}

/** Four scaled scores under a cap. */
// @ts-ignore: decorator
@inline export function capped4(scores: v128, softcap: f32): v128 {
  return f32x4.mul(splat(softcap), tanh4(f32x4.div(scores, splat(softcap))));
}

/** Slopes of four capped logits; 0 for one that is hidden, -Inf. */
// @ts-ignore: decorator
@inline export function capSlope4(logits: v128, softcap: f32): v128 {
  const t = f32x4.div(logits, splat(softcap));
  return f32x4.sub(splat(1), f32x4.min(f32x4.mul(t, t), splat(1)));
}

/** Caps `n` rows of 8 scaled scores in place. */
export function capPanel(scores: usize, n: i32, softcap: f32): void {
  for (let at = scores, end = scores + (n << 5); at < end; at += 16) v128.store(at, capped4(v128.load(at), softcap));
}

/** Query rows of a tile, and key rows of a tile of the key pass. */
export const ROWS = 64;
/** Keys that are scored at a time. */
export const KEYS = 64;
/** Rows that lie beside each other in vectors. */
export const PANEL = 8;

/** First and last + 1 visible key of query i, as two i32 at `to`. */
export function visibleKeys(a: AttentionArguments, b: i32, i: i32, to: usize): void {
  const position = a.Tk - a.T + i;
  let first = 0;
  let last = a.isCausal != 0 ? min(a.Tk, position + 1) : a.Tk;
  if (a.window != i32.MAX_VALUE) first = max(first, position - a.window + 1);
  if (a.docRange != 0) {
    const range = a.docRange + ((b * a.T + i) << 3);
    first = max(first, load<i32>(range));
    last = min(last, load<i32>(range, 4));
  }
  store<i32>(to, first);
  store<i32>(to, max(first, last), 4);
}

/** Depth positions that query i sees: its own, always, and the ones before it in its chunk; chunks count from the document's start. */
export function visibleDepth(a: AttentionArguments, b: i32, i: i32): i32 {
  const position = a.Td - a.T + i;
  let inChunk = (position + a.chunkPhase) % a.chunk;
  if (a.docRange != 0 && a.chunk > 1) {
    const start = load<i32>(a.docRange + ((b * a.T + i) << 3));
    inChunk = max(0, a.Tk - a.T + i - start) % a.chunk;
  }
  return min(position, inChunk) + 1;
}

/** Address of row `position` of a slot's keys (`which` 0), values (1) or their gradients (2, 3). */
// @ts-ignore: decorator
@inline export function depthRow(a: AttentionArguments, slot: i32, which: i32, b: i32, position: i32, kvHead: i32): usize {
  const width = which == 0 || which == 2 ? a.D : a.Dv;
  return load<usize>(a.slots + ((slot * 4 + which) << 2)) + ((((b * a.Td + position) * a.Hkv + kvHead) * width) << 2);
}
