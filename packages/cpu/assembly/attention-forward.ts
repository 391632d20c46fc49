// softmax over sequence and depth keys, blocked and online: scores live in 64 x 8 floats, memory is O(T).
// A tile is (batch row, head, 64 queries). Queries lie in vector lanes, 8 beside each other.
import { AttentionArguments, capPanel, capped, KEYS, PANEL, ROWS, visibleDepth, visibleKeys } from './attention-arguments';
import { addColumns, addSeenColumns, copyRows, dotRows, packPanel, unpackPanel } from './panel';
import { areFinite, shortDot } from './rows';
import { expNonPositive4, multiplyAdd, splat } from './simd-math';
import { log1 } from './softmax';
import { scratch } from './thread';

/** Where a tile keeps things, from the start of the scratch memory. */
const RANGES: usize = 0; // i32 [ROWS, 2]
const MAXIMA: usize = 1024; // f32 [ROWS]
const SUMS: usize = 2048; // f32 [ROWS]
const SCORES: usize = 4096; // f32 [KEYS, 8]
const BOUNDS: usize = 12288; // i32 [ROWS / 8, 4]
const PANELS: usize = 16384; // f32 [ROWS / 8, D, 8], then the sums [ROWS / 8, Dv, 8], then keys [KEYS, D] and values [KEYS, Dv]

/** Hides keys outside a row's range: scores[key][lane] = -Inf. `j` is the first key. */
export function maskRanges(scores: usize, n: i32, j: i32, ranges: usize): void {
  const first0 = i32x4(load<i32>(ranges), load<i32>(ranges, 8), load<i32>(ranges, 16), load<i32>(ranges, 24));
  const first1 = i32x4(load<i32>(ranges, 32), load<i32>(ranges, 40), load<i32>(ranges, 48), load<i32>(ranges, 56));
  const last0 = i32x4(load<i32>(ranges, 4), load<i32>(ranges, 12), load<i32>(ranges, 20), load<i32>(ranges, 28));
  const last1 = i32x4(load<i32>(ranges, 36), load<i32>(ranges, 44), load<i32>(ranges, 52), load<i32>(ranges, 60));
  const hidden = splat(-Infinity);
  for (let key = 0; key < n; key++) {
    const at = scores + (key << 5);
    const index = i32x4.splat(j + key);
    const see0 = v128.and(i32x4.ge_s(index, first0), i32x4.lt_s(index, last0));
    const see1 = v128.and(i32x4.ge_s(index, first1), i32x4.lt_s(index, last1));
    v128.store(at, v128.bitselect(v128.load(at), hidden, see0));
    v128.store(at, v128.bitselect(v128.load(at, 16), hidden, see1), 16);
  }
}

/** scores -> e^(scores - running maximum) for 4 of the 8 lanes; rescales sums and the panel of outputs when the maximum moved. */
// @ts-ignore: decorator
@inline function updateHalf(scores: usize, n: i32, maxima: usize, sums: usize, outputs: usize, Dv: i32): void {
  const before = v128.load(maxima);
  let top = before;
  for (let at = scores, end = scores + (n << 5); at < end; at += 32) top = f32x4.max(top, v128.load(at));
  // Nothing visible yet: any finite reference gives e^-Inf = 0.
  const reference = v128.andnot(top, f32x4.eq(top, splat(-Infinity)));
  let sum = splat(0);
  for (let at = scores, end = scores + (n << 5); at < end; at += 32) {
    const e = expNonPositive4(f32x4.sub(v128.load(at), reference));
    sum = f32x4.add(sum, e);
    v128.store(at, e);
  }
  if (v128.any_true(f32x4.ne(top, before))) {
    const factor = expNonPositive4(f32x4.sub(before, reference));
    v128.store(maxima, top);
    sum = multiplyAdd(v128.load(sums), factor, sum);
    for (let d = 0; d < Dv; d++) v128.store(outputs + (d << 5), f32x4.mul(v128.load(outputs + (d << 5)), factor));
  } else sum = f32x4.add(v128.load(sums), sum);
  v128.store(sums, sum);
}

function updateSoftmax(scores: usize, n: i32, maxima: usize, sums: usize, outputs: usize, Dv: i32): void {
  updateHalf(scores, n, maxima, sums, outputs, Dv);
  updateHalf(scores + 16, n, maxima + 16, sums + 16, outputs + 16, Dv);
}

/** Scores of one row and `n` slots from `slot` on into lane r; -Inf when the row sees none. */
function depthScores(a: AttentionArguments, q: usize, slot: i32, n: i32, keyOffset: usize, sees: bool, scores: usize): void {
  for (let s = 0; s < n; s++) {
    const k = load<usize>(a.slots + ((slot + s) << 4)) + keyOffset;
    store<f32>(scores + (s << 5), sees ? capped(a, shortDot(q, k, a.D) * a.scale) : -Infinity);
  }
}

/** Adds the slots' values, weighed with lane r of the probabilities, to lane r of the outputs. */
function addDepthValues(a: AttentionArguments, slot: i32, n: i32, valueOffset: usize, probabilities: usize, outputs: usize): void {
  let d = 0;
  for (; d + 8 <= a.Dv; d += 8) {
    let low = splat(0), high = splat(0);
    for (let s = 0; s < n; s++) {
      const v = load<usize>(a.slots + ((slot + s) << 4), 4) + valueOffset + (d << 2);
      const p = v128.load32_splat(probabilities + (s << 5));
      low = multiplyAdd(p, v128.load(v), low);
      high = multiplyAdd(p, v128.load(v, 16), high);
    }
    const to = outputs + (d << 5);
    store<f32>(to, load<f32>(to) + f32x4.extract_lane(low, 0));
    store<f32>(to, load<f32>(to, 32) + f32x4.extract_lane(low, 1), 32);
    store<f32>(to, load<f32>(to, 64) + f32x4.extract_lane(low, 2), 64);
    store<f32>(to, load<f32>(to, 96) + f32x4.extract_lane(low, 3), 96);
    store<f32>(to, load<f32>(to, 128) + f32x4.extract_lane(high, 0), 128);
    store<f32>(to, load<f32>(to, 160) + f32x4.extract_lane(high, 1), 160);
    store<f32>(to, load<f32>(to, 192) + f32x4.extract_lane(high, 2), 192);
    store<f32>(to, load<f32>(to, 224) + f32x4.extract_lane(high, 3), 224);
  }
  for (; d < a.Dv; d++) {
    let sum: f32 = 0;
    for (let s = 0; s < n; s++) {
      const v = load<usize>(a.slots + ((slot + s) << 4), 4) + valueOffset + (d << 2);
      sum += load<f32>(probabilities + (s << 5)) * load<f32>(v);
    }
    store<f32>(outputs + (d << 5), load<f32>(outputs + (d << 5)) + sum);
  }
}

/** Adds the depth keys of one panel's rows: slots of positions `back` before the own one, for back = 0, 1, ... in the chunk. */
function depthPanel(a: AttentionArguments, b: i32, head: i32, row: i32, base: usize, panel: i32, outputs: usize): void {
  const rows = min(PANEL, a.T - row);
  const kvHead = head / (a.H / a.Hkv);
  const scores = base + SCORES;
  let positions = 0;
  for (let r = 0; r < rows; r++) positions = max(positions, visibleDepth(a, b, row + r));
  for (let back = 0; back < positions; back++) {
    for (let slot = 0; slot < a.S; slot += KEYS) {
      const n = min(KEYS, a.S - slot);
      for (let r = 0; r < PANEL; r++) {
        const sees = r < rows && back < visibleDepth(a, b, row + r);
        const q = a.q + ((((b * a.T + row + r) * a.H + head) * a.D) << 2);
        const place = (b * a.Td + a.Td - a.T + row + r - back) * a.Hkv + kvHead;
        depthScores(a, q, slot, n, (place * a.D) << 2, sees, scores + (r << 2));
      }
      updateSoftmax(scores, n, base + MAXIMA + (panel << 5), base + SUMS + (panel << 5), outputs, a.Dv);
      for (let r = 0; r < rows; r++) {
        if (back >= visibleDepth(a, b, row + r)) continue;
        const place = (b * a.Td + a.Td - a.T + row + r - back) * a.Hkv + kvHead;
        addDepthValues(a, slot, n, (place * a.Dv) << 2, scores + (r << 2), outputs + (r << 2));
      }
    }
  }
}

/** Visible keys of the tile's rows into `ranges`; rows beyond T see none. */
export function tileRanges(a: AttentionArguments, b: i32, row0: i32, ranges: usize): void {
  for (let r = 0; r < ROWS; r++) {
    const to = ranges + (r << 3);
    if (row0 + r < a.T && a.k != 0) visibleKeys(a, b, row0 + r, to);
    else store<i64>(to, 0);
  }
}

/** Smallest first (which 0) or largest last (1) key that any, or with `forAll` every, of `n` rows sees; empty rows do not count unless forAll. */
export function rangeBound(ranges: usize, n: i32, isLast: bool, forAll: bool): i32 {
  let bound = isLast == forAll ? i32.MAX_VALUE : 0;
  for (let r = 0; r < n; r++) {
    const first = load<i32>(ranges + (r << 3)), last = load<i32>(ranges + (r << 3), 4);
    if (!forAll && first >= last) continue;
    const x = isLast ? last : first;
    bound = isLast == forAll ? min(bound, x) : max(bound, x);
  }
  return bound;
}

/** Per panel: smallest first, largest last key of any row, then largest first, smallest last of all rows; 16 bytes a panel. */
export function panelBounds(ranges: usize, panels: i32, to: usize): void {
  for (let panel = 0; panel < panels; panel++, to += 16) {
    const rows = ranges + (panel << 6);
    store<i32>(to, rangeBound(rows, PANEL, false, false));
    store<i32>(to, rangeBound(rows, PANEL, true, false), 4);
    store<i32>(to, rangeBound(rows, PANEL, false, true), 8);
    store<i32>(to, rangeBound(rows, PANEL, true, true), 12);
  }
}

/** The sequence part of a tile. */
function sequence(a: AttentionArguments, b: i32, head: i32, base: usize, panels: i32, queries: usize, outputs: usize): void {
  const kvHead = head / (a.H / a.Hkv);
  const ranges = base + RANGES, scores = base + SCORES;
  const kStep: usize = (a.Hkv * a.D) << 2, vStep: usize = (a.Hkv * a.Dv) << 2;
  const k = a.k + (((b * a.keyCapacity * a.Hkv + kvHead) * a.D) << 2);
  const v = a.v + (((b * a.keyCapacity * a.Hkv + kvHead) * a.Dv) << 2);
  const keys = outputs + ((ROWS * a.Dv) << 2), values = keys + ((KEYS * a.D) << 2);
  panelBounds(ranges, panels, base + BOUNDS);
  const last = rangeBound(ranges, panels * PANEL, true, false);
  for (let j = rangeBound(ranges, panels * PANEL, false, false); j < last; j += KEYS) {
    copyRows(k + j * kStep, kStep, min(KEYS, last - j), a.D, keys);
    copyRows(v + j * vStep, vStep, min(KEYS, last - j), a.Dv, values);
    // Whether every value is finite: -1 as long as no masked panel asked.
    let isFiniteBlock = -1;
    for (let panel = 0; panel < panels; panel++) {
      const bounds = base + BOUNDS + (panel << 4);
      const n = min(j + KEYS, load<i32>(bounds, 4)) - j;
      if (n <= 0 || load<i32>(bounds) >= j + n) continue;
      dotRows(keys, a.D << 2, n, queries + ((panel * a.D) << 5), a.D, scores);
      if (a.softcap != 0) capPanel(scores, n, a.softcap);
      const isMasked = j < load<i32>(bounds, 8) || j + n > load<i32>(bounds, 12);
      if (isMasked) maskRanges(scores, n, j, ranges + (panel << 6));
      const sums = outputs + ((panel * a.Dv) << 5);
      updateSoftmax(scores, n, base + MAXIMA + (panel << 5), base + SUMS + (panel << 5), sums, a.Dv);
      if (isMasked && isFiniteBlock < 0) isFiniteBlock = i32(areFinite(values, min(KEYS, last - j) * a.Dv));
      if (isMasked && isFiniteBlock == 0) addSeenColumns(values, a.Dv, scores, n, j, ranges + (panel << 6), false, sums);
      else addColumns(values, a.Dv << 2, a.Dv, scores, n, sums);
    }
  }
}

export function attentionForward(args: usize, tile: i32): void {
  const a = changetype<AttentionArguments>(args);
  const blocks = (a.T + ROWS - 1) / ROWS;
  const batchHead = tile / blocks;
  const row0 = (tile - batchHead * blocks) * ROWS;
  const b = batchHead / a.H, head = batchHead - b * a.H;
  const panels = (min(ROWS, a.T - row0) + PANEL - 1) / PANEL;
  const base = scratch();
  const queries = base + PANELS, outputs = queries + ((ROWS * a.D) << 2);
  tileRanges(a, b, row0, base + RANGES);
  memory.fill(outputs, 0, (ROWS * a.Dv) << 2);
  memory.fill(base + SUMS, 0, ROWS << 2);
  for (let r = 0; r < ROWS; r++) store<f32>(base + MAXIMA + (r << 2), -Infinity);
  const qStep: usize = (a.H * a.D) << 2;
  const q = a.q + ((((b * a.T + row0) * a.H + head) * a.D) << 2);
  for (let panel = 0; panel < panels; panel++) {
    const rows = min(PANEL, a.T - row0 - panel * PANEL);
    packPanel(q + panel * PANEL * qStep, qStep, rows, a.D, a.scale, queries + ((panel * a.D) << 5));
    if (a.S > 0) depthPanel(a, b, head, row0 + panel * PANEL, base, panel, outputs + ((panel * a.Dv) << 5));
  }
  if (a.k != 0) sequence(a, b, head, base, panels, queries, outputs);
  const outStep: usize = (a.H * a.Dv) << 2;
  const out = a.out + ((((b * a.T + row0) * a.H + head) * a.Dv) << 2);
  for (let r = 0; r < min(ROWS, a.T - row0); r++) {
    const sum = load<f32>(base + SUMS + (r << 2)), top = load<f32>(base + MAXIMA + (r << 2));
    store<f32>(a.lse + ((batchHead * a.T + row0 + r) << 2), sum == 0 ? -Infinity : top + log1(sum));
    store<f32>(base + SUMS + (r << 2), sum == 0 ? 0 : <f32>1 / sum);
  }
  for (let panel = 0; panel < panels; panel++) {
    const rows = min(PANEL, a.T - row0 - panel * PANEL);
    unpackPanel(outputs + ((panel * a.Dv) << 5), rows, a.Dv, base + SUMS + (panel << 5), out + panel * PANEL * outStep, outStep);
  }
}
