// Attention of one new token, from raw projections to partial sums: QK-norm, RoPE, the writes to the key/value cache and to
// the depth slots, then one softmax over depth slots, the token itself and the cache, split over workgroups.
// One workgroup = one key/value head (its G query heads) and one split of the keys. Split 0 takes the depth slots and the
// token itself and does all writes; splits 1.. share the cached positions evenly.
// LANES threads read one key or value, VALUES components each; KEYS keys at a time, each group with a softmax of its own,
// merged at the end. Splits are merged by the output projection (decode-product.wgsl, INPUT 1).
// state: i32 (position, token, step, unused).
// ffn_kv: f32, the raw [2*Hkv*D] of the previous block's FFN slot from `ffn_kv_start`. vectors: f32 norm weights.
// Workgroup memory: ((G + 3) * D + THREADS * VALUES + THREADS / LANES * G * 2 + THREADS * 4) * 4 bytes.
// Reference: decode-reference.ts.
enable subgroups; // @subgroups

// @interface
//   const IS_HALF = false
//   const SUBGROUPS = true
//   const D: u32 = 64u
//   const G: u32 = 2u
//   const THREADS: u32 = 128u
//   const SUBGROUP: u32 = 32u                            Threads of a subgroup.
//   const AHEAD: u32 = 4u                                Keys whose loads are in flight together.
//   override QK_NORM: u32 = 1u                           0: none, 1: over all heads together, 2: over each head.
//   override IS_ROTARY: bool = true
//   override IS_INTERLEAVED: bool = false
//   override NORM_DEPTH: bool = true
//   override ROTATE_DEPTH: bool = true
//   read state: array<i32>
//   read raw: array<f32>                                 [H*D + 2*Hkv*D (+ 2*Hkv*D)]: q, k, v (and the slot's own k, v)
//   read ffn_kv: array<f32>
//   read vectors: array<f32>
//   read_write cache_k: array<vec4<u32>>                 [capacity][Hkv][D]
//   read_write cache_v: array<vec4<u32>>                 [capacity][Hkv][D]
//   read_write depth_k: array<vec4<u32>>                 [slots][Hkv][D]
//   read_write depth_v: array<vec4<u32>>                 [slots][Hkv][D]
//   read_write out: array<f32>                           [splits][H][D], sums of exp(score - max) v
//   read_write statistics: array<vec2<f32>>              [splits][H] (max, sum)
//   uniform params: Params
//     H: u32, Hkv: u32, splits: u32, first_slot: u32,
//     end_slot: u32, ffn_kv_slot: u32, attention_kv_slot: u32, slot_start: u32,
//     ffn_kv_start: u32, q_norm: u32, k_norm: u32, ffn_kv_norm: u32,
//     eps: f32, scale: f32, k_start: u32, v_start: u32,  First words of the layer's keys and values in their caches.
//     frequencies: array<vec4<f32>, 64>,

const VALUES: u32 = select(4u, 8u, IS_HALF);
const FOURS: u32 = VALUES / 4u;
const LANES: u32 = D / VALUES;
const KEYS: u32 = THREADS / LANES;
const ROWS: u32 = G + 3u;
const TOKEN_KEY: u32 = G;
const FFN_KEY: u32 = G + 1u;
const SLOT_KEY: u32 = G + 2u;

const NONE = 0xffffffffu;
const LOWEST = -3.0e38;

// q rows times scale, then the token's key, the previous FFN's key, the key of the own slot: normalised and rotated.
var<workgroup> rows: array<f32, ROWS * D>;
var<workgroup> exchange: array<f32, THREADS * VALUES>;
var<workgroup> maxima: array<array<f32, G>, KEYS>;
var<workgroup> sums: array<array<f32, G>, KEYS>;
var<workgroup> totals: array<vec4<f32>, THREADS>;

struct Words { fours: array<vec4<f32>, FOURS> }

// @import { rotation_of } from '../wgsl/rotation.wgsl'

fn workgroup_sum(value: vec4<f32>, thread: u32) -> vec4<f32> {
  if (SUBGROUPS) {
    var sum = value;
    sum = subgroupAdd(sum); // @subgroups
    workgroupBarrier();
    if (thread % SUBGROUP == 0u) { totals[thread / SUBGROUP] = sum; }
    workgroupBarrier();
    var total = vec4<f32>();
    for (var i = 0u; i < THREADS / SUBGROUP; i++) { total += totals[i]; }
    return total;
  }
  workgroupBarrier();
  totals[thread] = value;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { totals[thread] += totals[thread + half]; }
  }
  workgroupBarrier();
  return totals[0];
}

// Sum over the LANES threads that share a key; every one of them gets it.
fn lane_sum(value: f32, thread: u32) -> f32 {
  var sum = value;
  if (SUBGROUPS) {
    for (var step = 1u; step < LANES; step *= 2u) {
      sum += subgroupShuffleXor(sum, step); // @subgroups
    }
    return sum;
  }
  workgroupBarrier();
  exchange[thread] = value;
  workgroupBarrier();
  sum = 0.0;
  for (var i = 0u; i < LANES; i++) { sum += exchange[thread / LANES * LANES + i]; }
  return sum;
}

fn raw_of(row: u32, i: u32) -> f32 {
  if (row == FFN_KEY) { return ffn_kv[i]; }
  return raw[i];
}

// Where row `row` of a head begins in its source.
fn start_of(row: u32, head: u32) -> u32 {
  if (row < G) { return (head * G + row) * D; }
  if (row == TOKEN_KEY) { return params.H * D + head * D; }
  if (row == FFN_KEY) { return params.ffn_kv_start + head * D; }
  return params.slot_start + head * D;
}

fn square_sum(row: u32, begin: u32, count: u32, thread: u32) -> f32 {
  var own = 0.0;
  for (var i = thread; i < count; i += THREADS) {
    let value = raw_of(row, begin + i);
    own += value * value;
  }
  return own;
}

var<private> scales: array<f32, ROWS>;

fn find_scales(head: u32, n_rows: u32, thread: u32) {
  if (QK_NORM == 0u) {
    for (var row = 0u; row < ROWS; row++) { scales[row] = 1.0; }
    return;
  }
  if (QK_NORM == 1u) {
    let width = params.Hkv * D;
    var own = vec4(square_sum(0u, 0u, params.H * D, thread), 0.0, 0.0, 0.0);
    if (n_rows > G) {
      own.y = square_sum(TOKEN_KEY, params.H * D, width, thread);
      if (params.ffn_kv_slot != NONE) { own.z = square_sum(FFN_KEY, params.ffn_kv_start, width, thread); }
      if (params.attention_kv_slot != NONE) { own.w = square_sum(SLOT_KEY, params.slot_start, width, thread); }
    }
    let mean = workgroup_sum(own, thread) / vec4(f32(params.H * D), vec3(f32(width)));
    let scale = 1.0 / sqrt(mean + params.eps);
    for (var row = 0u; row < G; row++) { scales[row] = scale.x; }
    scales[TOKEN_KEY] = scale.y;
    scales[FFN_KEY] = scale.z;
    scales[SLOT_KEY] = scale.w;
    return;
  }
  for (var row = 0u; row < n_rows; row++) {
    var own = 0.0;
    let is_absent = (row == FFN_KEY && params.ffn_kv_slot == NONE) || (row == SLOT_KEY && params.attention_kv_slot == NONE);
    if (!is_absent) { own = square_sum(row, start_of(row, head), D, thread); }
    scales[row] = 1.0 / sqrt(workgroup_sum(vec4(own, 0.0, 0.0, 0.0), thread).x / f32(D) + params.eps);
  }
}

fn normalised(row: u32, head: u32, d: u32) -> f32 {
  let value = raw_of(row, start_of(row, head) + d);
  if (QK_NORM == 0u || (row > TOKEN_KEY && !NORM_DEPTH)) { return value; }
  var weights = params.k_norm;
  var of_head = head;
  if (row < G) {
    weights = params.q_norm;
    of_head = head * G + row;
  }
  if (row == FFN_KEY) { weights = params.ffn_kv_norm; }
  return value * scales[row] * vectors[weights + select(d, of_head * D + d, QK_NORM == 1u)];
}

fn prepare_rows(head: u32, n_rows: u32, position: f32, thread: u32) {
  let items = n_rows * (D / 2u);
  for (var item = thread; item < items; item += THREADS) {
    let row = item / (D / 2u);
    let i = item % (D / 2u);
    if ((row == FFN_KEY && params.ffn_kv_slot == NONE) || (row == SLOT_KEY && params.attention_kv_slot == NONE)) { continue; }
    let left = select(i, 2u * i, IS_INTERLEAVED);
    let right = select(i + D / 2u, 2u * i + 1u, IS_INTERLEAVED);
    let a = normalised(row, head, left);
    let b = normalised(row, head, right);
    var rotation = vec2(1.0, 0.0);
    if (IS_ROTARY && (row <= TOKEN_KEY || ROTATE_DEPTH)) { rotation = rotation_of(position * params.frequencies[i / 4u][i % 4u]); }
    let factor = select(1.0, params.scale, row < G);
    rows[row * D + left] = (a * rotation.x - b * rotation.y) * factor;
    rows[row * D + right] = (a * rotation.y + b * rotation.x) * factor;
  }
}

fn packed(values: array<vec4<f32>, FOURS>) -> vec4<u32> {
  if (!IS_HALF) { return bitcast<vec4<u32>>(values[0]); }
  let second = values[FOURS - 1u];
  return vec4(
    pack2x16float(values[0].xy), pack2x16float(values[0].zw), pack2x16float(second.xy), pack2x16float(second.zw),
  );
}

fn unpacked(bits: vec4<u32>) -> array<vec4<f32>, FOURS> {
  var values: array<vec4<f32>, FOURS>;
  if (IS_HALF) {
    values[0] = vec4(unpack2x16float(bits.x), unpack2x16float(bits.y));
    values[FOURS - 1u] = vec4(unpack2x16float(bits.z), unpack2x16float(bits.w));
  } else {
    values[0] = bitcast<vec4<f32>>(bits);
  }
  return values;
}

fn prepared_key(row: u32, lane: u32) -> vec4<u32> {
  var values: array<vec4<f32>, FOURS>;
  for (var f = 0u; f < FOURS; f++) {
    let d = row * D + lane * VALUES + f * 4u;
    values[f] = vec4(rows[d], rows[d + 1u], rows[d + 2u], rows[d + 3u]);
  }
  return packed(values);
}

fn raw_value(row: u32, begin: u32, lane: u32) -> vec4<u32> {
  var values: array<vec4<f32>, FOURS>;
  for (var f = 0u; f < FOURS; f++) {
    let d = begin + lane * VALUES + f * 4u;
    values[f] = vec4(raw_of(row, d), raw_of(row, d + 1u), raw_of(row, d + 2u), raw_of(row, d + 3u));
  }
  return packed(values);
}

fn write_slots(head: u32, position: u32, thread: u32) {
  let width = params.Hkv * D;
  for (var item = thread; item < 6u * LANES; item += THREADS) {
    let lane = item % LANES;
    let own = (position * params.Hkv + head) * LANES + lane;
    let ffn_kv_at = (params.ffn_kv_slot * params.Hkv + head) * LANES + lane;
    let slot_at = (params.attention_kv_slot * params.Hkv + head) * LANES + lane;
    switch item / LANES {
      case 0u: { cache_k[params.k_start + own] = prepared_key(TOKEN_KEY, lane); }
      case 1u: { cache_v[params.v_start + own] = raw_value(TOKEN_KEY, params.H * D + width + head * D, lane); }
      case 2u: { if (params.ffn_kv_slot != NONE) { depth_k[ffn_kv_at] = prepared_key(FFN_KEY, lane); } }
      case 3u: {
        if (params.ffn_kv_slot != NONE) {
          depth_v[ffn_kv_at] = raw_value(FFN_KEY, params.ffn_kv_start + width + head * D, lane);
        }
      }
      case 4u: { if (params.attention_kv_slot != NONE) { depth_k[slot_at] = prepared_key(SLOT_KEY, lane); } }
      default: {
        if (params.attention_kv_slot != NONE) {
          // Without a projection of its own the slot shares the token's k, and so its v.
          depth_v[slot_at] = raw_value(SLOT_KEY, params.slot_start + width + head * D, lane);
        }
      }
    }
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(subgroup_id) subgroup: u32, // @subgroups
  @builtin(subgroup_invocation_id) subgroup_lane: u32, // @subgroups
  @builtin(local_invocation_index) index: u32,
) {
  var thread = index;
  thread = subgroup * SUBGROUP + subgroup_lane; // @subgroups
  let head = group.x;
  let split = group.y;
  let is_first = split == 0u;
  let position = u32(state[0]);
  let n_rows = select(G, ROWS, is_first);
  find_scales(head, n_rows, thread);
  prepare_rows(head, n_rows, f32(position), thread);
  workgroupBarrier();
  if (is_first) { write_slots(head, position, thread); }
  storageBarrier();
  workgroupBarrier();

  // Keys of this split: slots [first_slot, first_slot + n_slots), then positions [begin, begin + n_positions).
  let share = (position + max(params.splits, 2u) - 2u) / max(params.splits - 1u, 1u);
  let begin = select(min((split - 1u) * share, position), position, is_first);
  let end = select(min(begin + share, position), position + 1u, is_first);
  let n_slots = select(0u, params.end_slot - params.first_slot, is_first);
  let count = n_slots + end - begin;
  let lane = thread % LANES;
  let key = thread / LANES;
  var query: array<vec4<f32>, G * FOURS>;
  for (var g = 0u; g < G; g++) { // @unroll
    for (var f = 0u; f < FOURS; f++) { // @unroll
      let d = g * D + lane * VALUES + f * 4u;
      query[g * FOURS + f] = vec4(rows[d], rows[d + 1u], rows[d + 2u], rows[d + 3u]);
    }
  }
  var maximum: array<f32, G>;
  var sum: array<f32, G>;
  var acc: array<vec4<f32>, G * FOURS>;
  for (var g = 0u; g < G; g++) { // @unroll
    maximum[g] = LOWEST;
    sum[g] = 0.0;
    for (var f = 0u; f < FOURS; f++) { // @unroll
      acc[g * FOURS + f] = vec4<f32>();
    }
  }
  let steps = (count + KEYS * AHEAD - 1u) / (KEYS * AHEAD);
  for (var step = 0u; step < steps; step++) {
    var k_bits: array<vec4<u32>, AHEAD>;
    var v_bits: array<vec4<u32>, AHEAD>;
    for (var a = 0u; a < AHEAD; a++) { // @unroll
      let n = min((step * AHEAD + a) * KEYS + key, count - 1u);
      if (n < n_slots) {
        let at = ((params.first_slot + n) * params.Hkv + head) * LANES + lane;
        k_bits[a] = depth_k[at];
        v_bits[a] = depth_v[at];
      } else {
        let at = ((begin + n - n_slots) * params.Hkv + head) * LANES + lane;
        k_bits[a] = cache_k[params.k_start + at];
        v_bits[a] = cache_v[params.v_start + at];
      }
    }
    var scores: array<f32, AHEAD * G>;
    for (var a = 0u; a < AHEAD; a++) { // @unroll
      let k = unpacked(k_bits[a]);
      for (var g = 0u; g < G; g++) { // @unroll
        var score = 0.0;
        for (var f = 0u; f < FOURS; f++) { // @unroll
          score += dot(query[g * FOURS + f], k[f]);
        }
        scores[a * G + g] = lane_sum(score, thread);
      }
    }
    for (var g = 0u; g < G; g++) { // @unroll
      var next = maximum[g];
      for (var a = 0u; a < AHEAD; a++) { // @unroll
        if ((step * AHEAD + a) * KEYS + key < count) { next = max(next, scores[a * G + g]); }
      }
      let rescale = exp(maximum[g] - next);
      maximum[g] = next;
      sum[g] *= rescale;
      for (var f = 0u; f < FOURS; f++) { // @unroll
        acc[g * FOURS + f] *= rescale;
      }
      for (var a = 0u; a < AHEAD; a++) { // @unroll
        let is_key = (step * AHEAD + a) * KEYS + key < count;
        scores[a * G + g] = select(0.0, exp(scores[a * G + g] - next), is_key);
        sum[g] += scores[a * G + g];
      }
    }
    for (var a = 0u; a < AHEAD; a++) { // @unroll
      let v = unpacked(v_bits[a]);
      for (var g = 0u; g < G; g++) { // @unroll
        for (var f = 0u; f < FOURS; f++) { // @unroll
          acc[g * FOURS + f] += scores[a * G + g] * v[f];
        }
      }
    }
  }

  // The KEYS groups' softmaxes become one.
  if (lane == 0u) {
    for (var g = 0u; g < G; g++) { // @unroll
      maxima[key][g] = maximum[g];
      sums[key][g] = sum[g];
    }
  }
  workgroupBarrier();
  for (var g = 0u; g < G; g++) { // @unroll
    var largest = LOWEST;
    for (var i = 0u; i < KEYS; i++) { largest = max(largest, maxima[i][g]); }
    let weight = exp(maximum[g] - largest);
    for (var f = 0u; f < FOURS; f++) { // @unroll
      let value = acc[g * FOURS + f] * weight;
      let at = key * D + lane * VALUES + f * 4u;
      exchange[at] = value.x;
      exchange[at + 1u] = value.y;
      exchange[at + 2u] = value.z;
      exchange[at + 3u] = value.w;
    }
    workgroupBarrier();
    let row = split * params.H + head * G + g;
    for (var d = thread; d < D; d += THREADS) {
      var total = 0.0;
      for (var i = 0u; i < KEYS; i++) { total += exchange[i * D + d]; }
      out[row * D + d] = total;
    }
    if (thread == 0u) {
      var total = 0.0;
      for (var i = 0u; i < KEYS; i++) { total += sums[i][g] * exp(maxima[i][g] - largest); }
      statistics[row] = vec2(largest, total);
    }
    workgroupBarrier();
  }
}
