// Gradient of the queries, and the row sums that every gradient pass needs. A tile is (batch row, head, 64 queries) as in the forward pass.
import { AttentionArguments, capPanel, capped, capSlope, capSlope4, depthRow, KEYS, PANEL, ROWS, visibleDepth } from './attention-arguments';
import { maskRanges, panelBounds, rangeBound, tileRanges } from './attention-forward';
import { addColumns, addSeenColumns, copyRows, dotRows, packPanel, unpackPanel } from './panel';
import { areFinite, rowAddScaled, rowDot } from './rows';
import { exp4, expNonPositive4, splat } from './simd-math';
import { scratch } from './thread';

const RANGES: usize = 0; // i32 [ROWS, 2]
const FACTORS: usize = 1024; // f32 [8]
const LSE: usize = 2048; // f32 [ROWS]
const DELTA: usize = 3072; // f32 [ROWS]
const SCORES: usize = 4096; // f32 [KEYS, 8]
const SLOPES: usize = 8192; // f32 [KEYS, 8]
const LANE: usize = 12288; // f32 [D]
const BOUNDS: usize = 14336; // i32 [ROWS / 8, 4]
const PANELS: usize = 16384; // f32 [ROWS / 8, D + Dv + D, 8]: q, dOut, dq; then keys [KEYS, D] and values [KEYS, Dv]

/** delta = rowsum(dOut * out) - dLse; a tile is (batch row, head, 64 queries). */
export function attentionDelta(args: usize, tile: i32): void {
  const a = changetype<AttentionArguments>(args);
  const blocks = (a.T + ROWS - 1) / ROWS;
  const batchHead = tile / blocks;
  const row0 = (tile - batchHead * blocks) * ROWS;
  const b = batchHead / a.H, head = batchHead - b * a.H;
  for (let t = row0; t < min(a.T, row0 + ROWS); t++) {
    const at = (((b * a.T + t) * a.H + head) * a.Dv) << 2;
    let delta = rowDot(a.dOut + at, a.out + at, a.Dv);
    const statistic = (batchHead * a.T + t) << 2;
    if (a.dLse != 0) delta -= load<f32>(a.dLse + statistic);
    store<f32>(a.delta + statistic, delta);
  }
}

/** Log-sum-exp for the gradient: rows without keys get +Inf, so that every probability is 0. */
export function safeLse(lse: f32): f32 { return lse == -Infinity ? Infinity : lse; }

/** e^x of one depth score. */
export function probability(x: f32): f32 { return f32x4.extract_lane(exp4(splat(x)), 0); }

/** slopes = e^(scores - lse) * (slopes - delta) * scale, lane by lane of 8. */
// @ts-ignore: decorator
@inline function slopesOfHalf(scores: usize, slopes: usize, n: i32, lse: v128, delta: v128, scale: f32): void {
  for (let key = 0; key < n; key++) {
    const at = key << 5;
    const p = f32x4.mul(expNonPositive4(f32x4.sub(v128.load(scores + at), lse)), splat(scale));
    v128.store(slopes + at, f32x4.mul(p, f32x4.sub(v128.load(slopes + at), delta)));
  }
}

/** slopes times those of the capped logits, `n` rows of 8. */
function multiplyCapSlopes(scores: usize, slopes: usize, n: i32, softcap: f32): void {
  for (let at = 0; at < n << 5; at += 16) {
    v128.store(slopes + at, f32x4.mul(v128.load(slopes + at), capSlope4(v128.load(scores + at), softcap)));
  }
}

function sequence(a: AttentionArguments, b: i32, head: i32, base: usize, panels: i32, q: usize, dOut: usize, dq: usize): void {
  const kvHead = head / (a.H / a.Hkv);
  const ranges = base + RANGES, scores = base + SCORES, slopes = base + SLOPES;
  const kStep: usize = (a.Hkv * a.D) << 2, vStep: usize = (a.Hkv * a.Dv) << 2;
  const k = a.k + (((b * a.keyCapacity * a.Hkv + kvHead) * a.D) << 2);
  const v = a.v + (((b * a.keyCapacity * a.Hkv + kvHead) * a.Dv) << 2);
  const keys = dq + ((ROWS * a.D) << 2), values = keys + ((KEYS * a.D) << 2);
  panelBounds(ranges, panels, base + BOUNDS);
  const last = rangeBound(ranges, panels * PANEL, true, false);
  for (let j = rangeBound(ranges, panels * PANEL, false, false); j < last; j += KEYS) {
    copyRows(k + j * kStep, kStep, min(KEYS, last - j), a.D, keys);
    copyRows(v + j * vStep, vStep, min(KEYS, last - j), a.Dv, values);
    // Whether every key and value is finite: -1 as long as no masked panel asked.
    let isFiniteBlock = -1;
    for (let panel = 0; panel < panels; panel++) {
      const bounds = base + BOUNDS + (panel << 4);
      const n = min(j + KEYS, load<i32>(bounds, 4)) - j;
      if (n <= 0 || load<i32>(bounds) >= j + n) continue;
      dotRows(keys, a.D << 2, n, q + ((panel * a.D) << 5), a.D, scores);
      if (a.softcap != 0) capPanel(scores, n, a.softcap);
      const isMasked = j < load<i32>(bounds, 8) || j + n > load<i32>(bounds, 12);
      if (isMasked) maskRanges(scores, n, j, ranges + (panel << 6));
      dotRows(values, a.Dv << 2, n, dOut + ((panel * a.Dv) << 5), a.Dv, slopes);
      const lse = base + LSE + (panel << 5), delta = base + DELTA + (panel << 5);
      slopesOfHalf(scores, slopes, n, v128.load(lse), v128.load(delta), a.scale);
      slopesOfHalf(scores + 16, slopes + 16, n, v128.load(lse, 16), v128.load(delta, 16), a.scale);
      if (a.softcap != 0) multiplyCapSlopes(scores, slopes, n, a.softcap);
      if (isMasked && isFiniteBlock < 0) {
        const rows = min(KEYS, last - j);
        isFiniteBlock = i32(areFinite(keys, rows * a.D) && areFinite(values, rows * a.Dv));
      }
      const sums = dq + ((panel * a.D) << 5);
      if (isMasked && isFiniteBlock == 0) addSeenColumns(keys, a.D, slopes, n, j, ranges + (panel << 6), false, sums);
      else addColumns(keys, a.D << 2, a.D, slopes, n, sums);
    }
  }
}

/** Depth part of dq for one query, added to lane r of its panel. */
function depthRowGradient(a: AttentionArguments, b: i32, head: i32, t: i32, base: usize, lse: f32, delta: f32, dq: usize): void {
  const kvHead = head / (a.H / a.Hkv);
  const lane = base + LANE;
  const row = (b * a.T + t) * a.H + head;
  const q = a.q + ((row * a.D) << 2), dOut = a.dOut + ((row * a.Dv) << 2);
  const position = a.Td - a.T + t;
  memory.fill(lane, 0, a.D << 2);
  for (let back = 0, count = visibleDepth(a, b, t); back < count; back++) {
    for (let slot = 0; slot < a.S; slot++) {
      const k = depthRow(a, slot, 0, b, position - back, kvHead);
      const logit = capped(a, rowDot(q, k, a.D) * a.scale);
      const factor = capSlope(a, logit) * a.scale;
      const slope = probability(logit - lse) * (rowDot(dOut, depthRow(a, slot, 1, b, position - back, kvHead), a.Dv) - delta) * factor;
      rowAddScaled(lane, k, slope, a.D);
    }
  }
  for (let d = 0; d < a.D; d++) store<f32>(dq + (d << 5), load<f32>(dq + (d << 5)) + load<f32>(lane + (d << 2)));
}

export function attentionBackwardQuery(args: usize, tile: i32): void {
  const a = changetype<AttentionArguments>(args);
  const blocks = (a.T + ROWS - 1) / ROWS;
  const batchHead = tile / blocks;
  const row0 = (tile - batchHead * blocks) * ROWS;
  const b = batchHead / a.H, head = batchHead - b * a.H;
  const rows = min(ROWS, a.T - row0);
  const panels = (rows + PANEL - 1) / PANEL;
  const base = scratch();
  const q = base + PANELS, dOut = q + ((ROWS * a.D) << 2), dq = dOut + ((ROWS * a.Dv) << 2);
  tileRanges(a, b, row0, base + RANGES);
  memory.fill(dq, 0, (ROWS * a.D) << 2);
  for (let r = 0; r < PANEL; r++) store<f32>(base + FACTORS + (r << 2), 1);
  for (let r = 0; r < ROWS; r++) {
    const statistic = (batchHead * a.T + row0 + r) << 2;
    store<f32>(base + LSE + (r << 2), r < rows ? safeLse(load<f32>(a.lse + statistic)) : Infinity);
    store<f32>(base + DELTA + (r << 2), r < rows ? load<f32>(a.delta + statistic) : 0);
  }
  const qStep: usize = (a.H * a.D) << 2, outStep: usize = (a.H * a.Dv) << 2;
  const row = (b * a.T + row0) * a.H + head;
  for (let panel = 0; panel < panels; panel++) {
    const count = min(PANEL, rows - panel * PANEL);
    packPanel(a.q + ((row * a.D) << 2) + panel * PANEL * qStep, qStep, count, a.D, a.scale, q + ((panel * a.D) << 5));
    packPanel(a.dOut + ((row * a.Dv) << 2) + panel * PANEL * outStep, outStep, count, a.Dv, 1, dOut + ((panel * a.Dv) << 5));
  }
  if (a.k != 0) sequence(a, b, head, base, panels, q, dOut, dq);
  if (a.S > 0 && a.isDepthOwner == 0) {
    for (let r = 0; r < rows; r++) {
      const lse = load<f32>(base + LSE + (r << 2)), delta = load<f32>(base + DELTA + (r << 2));
      depthRowGradient(a, b, head, row0 + r, base, lse, delta, dq + (((r >> 3) * a.D) << 5) + ((r & 7) << 2));
    }
  }
  for (let panel = 0; panel < panels; panel++) {
    const to = a.dq + ((row * a.D) << 2) + panel * PANEL * qStep;
    unpackPanel(dq + ((panel * a.D) << 5), min(PANEL, rows - panel * PANEL), a.D, base + FACTORS, to, qStep);
  }
}
