// Gradients of depth keys and values. A tile is (batch row, 16 depth positions, key/value head) and owns these rows of every slot. With
// chunks of one position it owns the queries that read them too, and adds their gradient.
import { AttentionArguments, capped, capSlope, depthRow, visibleDepth } from './attention-arguments';
import { safeLse } from './attention-backward-query';
import { shortDot } from './rows';
import { exp4, multiplyAdd, splat } from './simd-math';
import { scratch } from './thread';

export const DEPTH_POSITIONS = 16;
/** Slots whose probabilities are computed together. */
const SLOTS = 64;
const PROBABILITIES: usize = 0; // f32 [SLOTS]
const SLOPES: usize = 1024; // f32 [SLOTS]

// @ts-ignore: decorator
@inline function addScaled(y: usize, x: usize, factor: f32, n: i32): void {
  const f = splat(factor);
  let i = 0;
  for (; i + 4 <= n; i += 4) v128.store(y + (i << 2), multiplyAdd(f, v128.load(x + (i << 2)), v128.load(y + (i << 2))));
  for (; i < n; i++) store<f32>(y + (i << 2), load<f32>(y + (i << 2)) + factor * load<f32>(x + (i << 2)));
}

/** dk += slope q and dq += slope k in one pass over the row. */
// @ts-ignore: decorator
@inline function addBoth(dk: usize, q: usize, dq: usize, k: usize, slope: f32, n: i32): void {
  const f = splat(slope);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = i << 2;
    v128.store(dk + at, multiplyAdd(f, v128.load(q + at), v128.load(dk + at)));
    v128.store(dq + at, multiplyAdd(f, v128.load(k + at), v128.load(dq + at)));
  }
  for (; i < n; i++) {
    const at = i << 2;
    store<f32>(dk + at, load<f32>(dk + at) + slope * load<f32>(q + at));
    store<f32>(dq + at, load<f32>(dq + at) + slope * load<f32>(k + at));
  }
}

/** Adds what one query gives to up to 64 slots of one depth position, and to itself when it is owned. */
function addQuery(a: AttentionArguments, b: i32, head: i32, t: i32, position: i32, kvHead: i32, slot0: i32, n: i32, base: usize): void {
  const row = (b * a.T + t) * a.H + head;
  const q = a.q + ((row * a.D) << 2), dOut = a.dOut + ((row * a.Dv) << 2), dq = a.dq + ((row * a.D) << 2);
  const statistic = ((b * a.H + head) * a.T + t) << 2;
  const lse = safeLse(load<f32>(a.lse + statistic)), delta = load<f32>(a.delta + statistic);
  const probabilities = base + PROBABILITIES, slopes = base + SLOPES;
  for (let s = 0; s < n; s++) {
    const logit = capped(a, shortDot(q, depthRow(a, slot0 + s, 0, b, position, kvHead), a.D) * a.scale);
    const slope = shortDot(dOut, depthRow(a, slot0 + s, 1, b, position, kvHead), a.Dv) - delta;
    store<f32>(probabilities + (s << 2), logit - lse);
    store<f32>(slopes + (s << 2), slope * capSlope(a, logit));
  }
  for (let s = 0; s < n; s += 4) {
    const p = exp4(v128.load(probabilities + (s << 2)));
    v128.store(probabilities + (s << 2), p);
    v128.store(slopes + (s << 2), f32x4.mul(f32x4.mul(p, v128.load(slopes + (s << 2))), splat(a.scale)));
  }
  for (let s = 0; s < n; s++) {
    const slope = load<f32>(slopes + (s << 2));
    const dk = depthRow(a, slot0 + s, 2, b, position, kvHead);
    if (a.isDepthOwner != 0) addBoth(dk, q, dq, depthRow(a, slot0 + s, 0, b, position, kvHead), slope, a.D);
    else addScaled(dk, q, slope, a.D);
    addScaled(depthRow(a, slot0 + s, 3, b, position, kvHead), dOut, load<f32>(probabilities + (s << 2)), a.Dv);
  }
}

export function attentionBackwardDepth(args: usize, tile: i32): void {
  const a = changetype<AttentionArguments>(args);
  const kvHead = tile % a.Hkv;
  const rest = tile / a.Hkv;
  const blocks = (a.Td + DEPTH_POSITIONS - 1) / DEPTH_POSITIONS;
  const b = rest / blocks;
  const position0 = (rest - b * blocks) * DEPTH_POSITIONS;
  const G = a.H / a.Hkv;
  const base = scratch();
  for (let position = position0; position < min(a.Td, position0 + DEPTH_POSITIONS); position++) {
    if (a.accumulatesDepth == 0) {
      for (let slot = 0; slot < a.S; slot++) {
        memory.fill(depthRow(a, slot, 2, b, position, kvHead), 0, a.D << 2);
        memory.fill(depthRow(a, slot, 3, b, position, kvHead), 0, a.Dv << 2);
      }
    }
    // Readers: queries of the same chunk, from this position on. Where it ends depends on the query's document.
    const inChunk = a.docRange != 0 ? 0 : (position + a.chunkPhase) % a.chunk;
    const readers = min(a.Td - position, a.chunk - inChunk);
    for (let slot = 0; slot < a.S; slot += SLOTS) {
      const n = min(SLOTS, a.S - slot);
      for (let ahead = 0; ahead < readers; ahead++) {
        const t = position + ahead - (a.Td - a.T);
        if (t < 0 || ahead >= visibleDepth(a, b, t)) continue;
        for (let g = 0; g < G; g++) addQuery(a, b, kvHead * G + g, t, position, kvHead, slot, n, base);
      }
    }
  }
}
