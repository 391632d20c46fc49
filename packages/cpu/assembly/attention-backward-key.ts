// Gradients of sequence keys and values. Keys lie in vector lanes, 64 at a time; queries of all heads of the group are walked in order, so
// a tile owns its results and nothing is added atomically. A tile is (batch row, key/value head, 64 keys) or, fused, (batch row, key/value
// head): then it owns the group's queries too and adds dq on the way, five products instead of seven.
import { AttentionArguments, capped4, capSlope4, KEYS, PANEL, ROWS, visibleKeys } from './attention-arguments';
import { safeLse } from './attention-backward-query';
import { rangeBound } from './attention-forward';
import { addColumns, addPanelRows, addSeenColumns, copyRows, dotRows, packPanel, unpackPanel } from './panel';
import { areFinite } from './rows';
import { expNonPositive4, splat } from './simd-math';
import { scratch } from './thread';

const RANGES: usize = 0; // i32 [ROWS, 2], of the queries at work
const FACTORS: usize = 1024; // f32 [8]
const SCORES: usize = 4096; // f32 [ROWS, 8]
const SLOPES: usize = 8192; // f32 [KEYS / 8, ROWS, 8]
const PANELS: usize = 32768; // f32 [KEYS / 8, D + Dv + D + Dv, 8]: k, v, dk, dv; then [ROWS, D + Dv + D]: rows of q, dOut, k

/** scores -> probabilities, slopes -> gradients of the scores, for rows `row0 ..` (lanes are keys j ..). */
function slopesOfPanel(a: AttentionArguments, statistics: i32, n: i32, j: i32, isMasked: bool, ranges: usize, scores: usize, slopes: usize): void {
  if (a.softcap == 0) slopesOfLogits(a, statistics, n, j, isMasked, false, ranges, scores, slopes);
  else slopesOfLogits(a, statistics, n, j, isMasked, true, ranges, scores, slopes);
}

// @ts-ignore: decorator
@inline function slopesOfLogits(a: AttentionArguments, statistics: i32, n: i32, j: i32, isMasked: bool, isCapped: bool, ranges: usize, scores: usize, slopes: usize): void {
  const key0 = i32x4.add(i32x4.splat(j), i32x4(0, 1, 2, 3)), key1 = i32x4.add(i32x4.splat(j), i32x4(4, 5, 6, 7));
  const scale = splat(a.scale);
  for (let row = 0; row < n; row++) {
    const at = row << 5;
    const lse = splat(safeLse(load<f32>(a.lse + ((statistics + row) << 2))));
    const delta = splat(load<f32>(a.delta + ((statistics + row) << 2)));
    let logit0 = f32x4.mul(v128.load(scores + at), scale), logit1 = f32x4.mul(v128.load(scores + at, 16), scale);
    if (isCapped) {
      logit0 = capped4(logit0, a.softcap);
      logit1 = capped4(logit1, a.softcap);
    }
    let p0 = expNonPositive4(f32x4.sub(logit0, lse)), p1 = expNonPositive4(f32x4.sub(logit1, lse));
    let s0 = f32x4.mul(f32x4.mul(p0, scale), f32x4.sub(v128.load(slopes + at), delta));
    let s1 = f32x4.mul(f32x4.mul(p1, scale), f32x4.sub(v128.load(slopes + at, 16), delta));
    if (isCapped) {
      s0 = f32x4.mul(s0, capSlope4(logit0, a.softcap));
      s1 = f32x4.mul(s1, capSlope4(logit1, a.softcap));
    }
    if (isMasked) {
      const first = i32x4.splat(load<i32>(ranges + (row << 3))), last = i32x4.splat(load<i32>(ranges + (row << 3), 4));
      const see0 = v128.and(i32x4.ge_s(key0, first), i32x4.lt_s(key0, last));
      const see1 = v128.and(i32x4.ge_s(key1, first), i32x4.lt_s(key1, last));
      p0 = v128.and(p0, see0);
      p1 = v128.and(p1, see1);
      s0 = v128.and(s0, see0);
      s1 = v128.and(s1, see1);
    }
    v128.store(scores + at, p0);
    v128.store(scores + at, p1, 16);
    v128.store(slopes + at, s0);
    v128.store(slopes + at, s1, 16);
  }
}

/** Adds slopes k to dq, row by row, of the keys that a row sees only: the others may be NaN. */
function addSeenKeys(ranges: usize, slopes: usize, rows: i32, seen: i32, key0: i32, keyRows: usize, D: i32, dq: usize, step: usize): void {
  for (let row = 0; row < rows; row++) {
    const first = max(0, load<i32>(ranges + (row << 3)) - key0), last = min(seen, load<i32>(ranges + (row << 3), 4) - key0);
    for (let key = first; key < last; key++) {
      const slope = load<f32>(slopes + (((key >> 3) * ROWS + row) << 5) + ((key & 7) << 2));
      for (let d = 0; d < D; d++) {
        const to = dq + row * step + (d << 2);
        store<f32>(to, load<f32>(to) + slope * load<f32>(keyRows + ((key * D + d) << 2)));
      }
    }
  }
}

/** All queries of one head against the keys at work. */
function addHead(a: AttentionArguments, b: i32, head: i32, key0: i32, keys: i32, areKeysFinite: bool, base: usize): void {
  const ranges = base + RANGES, scores = base + SCORES;
  const k = base + PANELS, v = k + ((KEYS * a.D) << 2), dk = v + ((KEYS * a.Dv) << 2), dv = dk + ((KEYS * a.D) << 2);
  const queries = dv + ((KEYS * a.Dv) << 2), outputs = queries + ((ROWS * a.D) << 2), keyRows = outputs + ((ROWS * a.Dv) << 2);
  const qStep: usize = (a.H * a.D) << 2, outStep: usize = (a.H * a.Dv) << 2;
  // Queries before the first causal one see none of these keys.
  const start = a.isCausal != 0 ? max(0, key0 - (a.Tk - a.T)) : 0;
  for (let row0 = start; row0 < a.T; row0 += ROWS) {
    const n = min(ROWS, a.T - row0);
    for (let r = 0; r < n; r++) visibleKeys(a, b, row0 + r, ranges + (r << 3));
    if (rangeBound(ranges, n, false, false) >= key0 + keys || rangeBound(ranges, n, true, false) <= key0) continue;
    const firstForAll = rangeBound(ranges, n, false, true), lastForAll = rangeBound(ranges, n, true, true);
    const row = (b * a.T + row0) * a.H + head;
    copyRows(a.q + ((row * a.D) << 2), qStep, n, a.D, queries);
    copyRows(a.dOut + ((row * a.Dv) << 2), outStep, n, a.Dv, outputs);
    // Whether every query and output gradient is finite: -1 as long as no masked panel asked.
    let isFiniteBlock = -1;
    for (let panel = 0; panel * PANEL < keys; panel++) {
      const j = key0 + panel * PANEL;
      // Causal rows before the panel's first key see none of it.
      const hidden = a.isCausal != 0 ? min(n, max(0, j - (a.Tk - a.T) - row0)) & ~3 : 0;
      const slopes = base + SLOPES + ((panel * ROWS) << 5);
      memory.fill(slopes, 0, hidden << 5);
      const visible = n - hidden, visibleSlopes = slopes + (hidden << 5);
      const visibleQueries = queries + ((hidden * a.D) << 2), visibleOutputs = outputs + ((hidden * a.Dv) << 2);
      dotRows(visibleQueries, a.D << 2, visible, k + ((panel * a.D) << 5), a.D, scores);
      dotRows(visibleOutputs, a.Dv << 2, visible, v + ((panel * a.Dv) << 5), a.Dv, visibleSlopes);
      const isMasked = j < firstForAll || j + PANEL > lastForAll;
      const statistics = (b * a.H + head) * a.T + row0 + hidden;
      slopesOfPanel(a, statistics, visible, j, isMasked, ranges + (hidden << 3), scores, visibleSlopes);
      const dkPanel = dk + ((panel * a.D) << 5), dvPanel = dv + ((panel * a.Dv) << 5);
      if (isMasked && isFiniteBlock < 0) isFiniteBlock = i32(areFinite(queries, n * a.D) && areFinite(outputs, n * a.Dv));
      if (isMasked && isFiniteBlock == 0) {
        addSeenColumns(visibleOutputs, a.Dv, scores, visible, j, ranges + (hidden << 3), true, dvPanel);
        addSeenColumns(visibleQueries, a.D, visibleSlopes, visible, j, ranges + (hidden << 3), true, dkPanel);
      } else {
        addColumns(visibleOutputs, a.Dv << 2, a.Dv, scores, visible, dvPanel);
        addColumns(visibleQueries, a.D << 2, a.D, visibleSlopes, visible, dkPanel);
      }
    }
    if (a.isFused != 0) {
      // 16 rows at a time, and only the keys that one of them sees.
      for (let r = 0; r < n; r += 16) {
        const rows = min(16, n - r);
        const seen = min(keys, rangeBound(ranges + (r << 3), rows, true, false) - key0);
        const dq = a.dq + ((row * a.D) << 2) + r * qStep, slopes = base + SLOPES + (r << 5);
        if (seen > 0 && !areKeysFinite) addSeenKeys(ranges + (r << 3), slopes, rows, seen, key0, keyRows, a.D, dq, qStep);
        else if (seen > 0) addPanelRows(slopes, ROWS, rows, seen, keyRows, a.D, dq, qStep);
      }
    }
  }
}

/** Gradients of up to 64 keys of one head. */
function keyBlock(a: AttentionArguments, b: i32, kvHead: i32, key0: i32, base: usize): void {
  const keys = max(0, min(KEYS, a.Tk - key0));
  const kStep: usize = (a.Hkv * a.D) << 2, vStep: usize = (a.Hkv * a.Dv) << 2;
  const row = (b * a.keyCapacity + key0) * a.Hkv + kvHead;
  const k = base + PANELS, v = k + ((KEYS * a.D) << 2), dk = v + ((KEYS * a.Dv) << 2), dv = dk + ((KEYS * a.D) << 2);
  memory.fill(dk, 0, (KEYS * (a.D + a.Dv)) << 2);
  for (let panel = 0; panel * PANEL < keys; panel++) {
    const count = min(PANEL, keys - panel * PANEL);
    packPanel(a.k + ((row * a.D) << 2) + panel * PANEL * kStep, kStep, count, a.D, 1, k + ((panel * a.D) << 5));
    packPanel(a.v + ((row * a.Dv) << 2) + panel * PANEL * vStep, vStep, count, a.Dv, 1, v + ((panel * a.Dv) << 5));
  }
  const keyRows = dv + ((KEYS * a.Dv) << 2) + ((ROWS * (a.D + a.Dv)) << 2);
  if (a.isFused != 0) copyRows(a.k + ((row * a.D) << 2), kStep, keys, a.D, keyRows);
  const areKeysFinite = a.isFused == 0 || areFinite(keyRows, keys * a.D);
  const G = a.H / a.Hkv;
  if (keys > 0) for (let g = 0; g < G; g++) addHead(a, b, kvHead * G + g, key0, keys, areKeysFinite, base);
  // Positions beyond Tk are capacity: their gradient is 0.
  const rows = min(KEYS, a.keyCapacity - key0);
  for (let panel = 0; panel * PANEL < rows; panel++) {
    const count = min(PANEL, rows - panel * PANEL);
    unpackPanel(dk + ((panel * a.D) << 5), count, a.D, base + FACTORS, a.dk + ((row * a.D) << 2) + panel * PANEL * kStep, kStep);
    unpackPanel(dv + ((panel * a.Dv) << 5), count, a.Dv, base + FACTORS, a.dv + ((row * a.Dv) << 2) + panel * PANEL * vStep, vStep);
  }
}

export function attentionBackwardKey(args: usize, tile: i32): void {
  const a = changetype<AttentionArguments>(args);
  const base = scratch();
  for (let r = 0; r < PANEL; r++) store<f32>(base + FACTORS + (r << 2), 1);
  if (a.isFused == 0) {
    const blocks = (a.keyCapacity + KEYS - 1) / KEYS;
    const batchHead = tile / blocks;
    const b = batchHead / a.Hkv;
    keyBlock(a, b, batchHead - b * a.Hkv, (tile - batchHead * blocks) * KEYS, base);
    return;
  }
  const b = tile / a.Hkv;
  const kvHead = tile - b * a.Hkv;
  const G = a.H / a.Hkv;
  for (let t = 0; t < a.T; t++) memory.fill(a.dq + ((((b * a.T + t) * a.H + kvHead * G) * a.D) << 2), 0, (G * a.D) << 2);
  for (let key0 = 0; key0 < a.keyCapacity; key0 += KEYS) keyBlock(a, b, kvHead, key0, base);
}
