// Gradients of keys and values on subgroup matrices, for the sequence source: f16 operands, f32 accumulation.
//   dv = P^T . dOut,   dk = scale * dS^T . Q,   dS = P * (dOut . V^T - delta),   P = exp(scale * Q . K^T - lse)
// Rows are packed as in matrix-forward.wgsl: row r = (i, g), i = r / G.
//
// HAS_DK and HAS_DV leave one of them out: two passes need one product more, and fewer registers each.
//
// One workgroup = SUBGROUPS * KEYS keys of one (b, kv_head); each subgroup owns KEYS of them, each lane one, and walks the packed rows in
// blocks of ROWS.
// q [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], d_out [B,T,H,Dv], dk [B,keyCapacity,Hkv,D], dv [B,keyCapacity,Hkv,Dv] as
// 8 halves an element;
// doc_range i32 [B,T,2]; stats f32 [B,H,T] of (lse, delta).
// Workgroup memory: 4 ROWS (D + Dv + 24) + SUBGROUPS KEYS (ROWS + 4) 8 bytes, D and Dv rounded up to 16.
// Reference: attention-reference.ts; Dao, "FlashAttention-2".
enable f16;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);

// @interface, bindings from 6
//   const SUBGROUPS: u32 = 4u
//   const KEY_FRAGMENTS: u32 = 2u
//   const ROWS: u32 = 16u
//   const G: u32 = 8u
//   const HAS_DK: bool = true
//   const HAS_DV: bool = true
//   const ACCUMULATES: bool = false
//   const D: u32 = 64u
//   const Dv: u32 = 64u
//   read_write dk: array<vec4<u32>>
//   read_write dv: array<vec4<u32>>
//   uniform params: Params

// @import { Left, Right, Accumulator, K_FRAGMENTS, V_FRAGMENTS, K_WIDTH, V_WIDTH, K_STRIDE, V_STRIDE } from '../../wgsl/attention/fragments.wgsl'
// @import { Params, visible_range, candidate_queries } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, doc_range, d_out, stats } from '../../wgsl/attention/halves-bindings.wgsl'

const HIGHEST = 3.0e38;
const LOG2_E = 1.4426950408889634;
// @import { capped_four, cap_slope_four } from '../../wgsl/attention/softcap.wgsl'

const THREADS = SUBGROUPS * 32u;
const KEYS = KEY_FRAGMENTS * 16u; // of a subgroup, a lane each
const K_LOADS = (ROWS * K_WIDTH + THREADS - 1u) / THREADS;
const V_LOADS = (ROWS * V_WIDTH + THREADS - 1u) / THREADS;
const STRIDE = ROWS / 4u + 1u; // of a key's scores, elements of 4 floats or 8 halves
const ROUND_KEYS = min(2u * ROWS, SUBGROUPS * KEYS);
const ROUNDS = SUBGROUPS * KEYS / ROUND_KEYS;

var<workgroup> queries: array<vec4<u32>, 2u * ROWS * K_STRIDE>;
var<workgroup> d_outs: array<vec4<u32>, 2u * ROWS * V_STRIDE>;
var<workgroup> row_lse: array<f32, 2u * ROWS>; // in log2 units
var<workgroup> row_delta: array<f32, 2u * ROWS>;
var<workgroup> row_first: array<i32, 2u * ROWS>;
var<workgroup> row_end: array<i32, 2u * ROWS>;
var<workgroup> scores: array<vec4<u32>, SUBGROUPS * KEYS * STRIDE>; // f32 scores, then f16 weights
var<workgroup> d_weights: array<vec4<u32>, SUBGROUPS * KEYS * STRIDE>; // f32, then f16 gradients of scores

// @import { load_key, load_value } from '../../wgsl/attention/packed-rows.wgsl'

// 8 halves of a packed row's query, zero beyond the last row.
fn load_query(b: u32, kv_head: u32, row: u32, column: u32) -> vec4<u32> {
  if (row >= params.T * G || column >= D / 8u) {
    return vec4<u32>();
  }
  return q[((b * params.T + row / G) * params.H + kv_head * G + row % G) * (D / 8u) + column];
}

fn load_d_out(b: u32, kv_head: u32, row: u32, column: u32) -> vec4<u32> {
  if (row >= params.T * G || column >= Dv / 8u) {
    return vec4<u32>();
  }
  return d_out[((b * params.T + row / G) * params.H + kv_head * G + row % G) * (Dv / 8u) + column];
}

fn load_stats(b: u32, kv_head: u32, row: u32) -> vec2<f32> {
  if (row >= params.T * G) {
    return vec2<f32>(HIGHEST, 0.0); // rows beyond the last weigh 0
  }
  return stats[(b * params.H + kv_head * G + row % G) * params.T + row / G] * vec2<f32>(LOG2_E, 1.0);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let kv_head = group.y % params.Hkv;
  let b = group.y / params.Hkv;
  let tile_key = group.x * SUBGROUPS * KEYS;
  let subgroup = thread / 32u;
  let lane = thread % 32u;
  let owned = subgroup * KEYS + min(lane, KEYS - 1u); // this lane's key of the tile
  let position = tile_key + owned;
  let is_key = position < params.positions && lane < KEYS;
  let slot = subgroup * KEYS * STRIDE;
  let key_slot = owned * STRIDE;

  // Keys and values as fragments, through the query buffers.
  var keys: array<array<Left, K_FRAGMENTS>, KEY_FRAGMENTS>;
  var values: array<array<Left, V_FRAGMENTS>, KEY_FRAGMENTS>;
  for (var round = 0u; round < ROUNDS; round++) {
    workgroupBarrier();
    for (var n = thread; n < ROUND_KEYS * K_WIDTH; n += THREADS) {
      queries[(n / K_WIDTH) * K_STRIDE + n % K_WIDTH] = load_key(b, kv_head, i32(tile_key + round * ROUND_KEYS + n / K_WIDTH), n % K_WIDTH);
    }
    for (var n = thread; n < ROUND_KEYS * V_WIDTH; n += THREADS) {
      d_outs[(n / V_WIDTH) * V_STRIDE + n % V_WIDTH] = load_value(b, kv_head, i32(tile_key + round * ROUND_KEYS + n / V_WIDTH), n % V_WIDTH);
    }
    workgroupBarrier();
    if (subgroup * KEYS / ROUND_KEYS == round) {
      for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
        for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
          keys[f][d] = subgroupMatrixLoad<Left, row_major>(&queries, (subgroup * KEYS % ROUND_KEYS + f * 16u) * K_STRIDE + d * 2u, K_STRIDE);
        }
        if (HAS_DK) {
          for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
            values[f][d] = subgroupMatrixLoad<Left, row_major>(&d_outs, (subgroup * KEYS % ROUND_KEYS + f * 16u) * V_STRIDE + d * 2u, V_STRIDE);
          }
        }
      }
    }
  }
  var dk_acc: array<array<Accumulator, K_FRAGMENTS>, KEY_FRAGMENTS>;
  var dv_acc: array<array<Accumulator, V_FRAGMENTS>, KEY_FRAGMENTS>;
  for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
    for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
      dk_acc[f][d] = Accumulator();
    }
    for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
      dv_acc[f][d] = Accumulator();
    }
  }

  let scale = params.scale * LOG2_E;
  let last_key = min(tile_key + SUBGROUPS * KEYS, params.positions) - 1u;
  let first_block = u32(candidate_queries(i32(tile_key)).x) * G / ROWS;
  let end_block = (u32(candidate_queries(i32(last_key)).y) * G + ROWS - 1u) / ROWS;
  var next_queries: array<vec4<u32>, K_LOADS>; // travel a whole block ahead
  var next_d_outs: array<vec4<u32>, V_LOADS>;
  var next_stats = vec2<f32>();
  var next_visible = vec2<i32>();
  workgroupBarrier();
  for (var n = 0u; n < K_LOADS; n++) { // @unroll
    next_queries[n] = load_query(b, kv_head, first_block * ROWS + (n * THREADS + thread) / K_WIDTH, (n * THREADS + thread) % K_WIDTH);
  }
  for (var n = 0u; n < V_LOADS; n++) { // @unroll
    next_d_outs[n] = load_d_out(b, kv_head, first_block * ROWS + (n * THREADS + thread) / V_WIDTH, (n * THREADS + thread) % V_WIDTH);
  }
  if (thread < ROWS) {
    next_stats = load_stats(b, kv_head, first_block * ROWS + thread);
    next_visible = visible_range(b, min((first_block * ROWS + thread) / G, params.T - 1u));
  }
  for (var n = 0u; n < K_LOADS; n++) { // @unroll
    let index = n * THREADS + thread;
    if (index < ROWS * K_WIDTH) {
      queries[(0u * ROWS + index / K_WIDTH) * K_STRIDE + index % K_WIDTH] = next_queries[n];
    }
  }
  for (var n = 0u; n < V_LOADS; n++) { // @unroll
    let index = n * THREADS + thread;
    if (index < ROWS * V_WIDTH) {
      d_outs[(0u * ROWS + index / V_WIDTH) * V_STRIDE + index % V_WIDTH] = next_d_outs[n];
    }
  }
  if (thread < ROWS) {
    row_lse[0u * ROWS + thread] = next_stats.x;
    row_delta[0u * ROWS + thread] = next_stats.y;
    row_first[0u * ROWS + thread] = next_visible.x;
    row_end[0u * ROWS + thread] = next_visible.y;
  }
  for (var n = 0u; n < K_LOADS; n++) { // @unroll
    next_queries[n] = load_query(b, kv_head, (first_block + 1u) * ROWS + (n * THREADS + thread) / K_WIDTH, (n * THREADS + thread) % K_WIDTH);
  }
  for (var n = 0u; n < V_LOADS; n++) { // @unroll
    next_d_outs[n] = load_d_out(b, kv_head, (first_block + 1u) * ROWS + (n * THREADS + thread) / V_WIDTH, (n * THREADS + thread) % V_WIDTH);
  }
  if (thread < ROWS) {
    next_stats = load_stats(b, kv_head, (first_block + 1u) * ROWS + thread);
    next_visible = visible_range(b, min(((first_block + 1u) * ROWS + thread) / G, params.T - 1u));
  }
  workgroupBarrier();

  for (var block = first_block; block < end_block; block++) {
    let current = (block - first_block) % 2u;
    for (var row = 0u; row < ROWS / 16u; row++) { // @unroll
      var score: array<Accumulator, KEY_FRAGMENTS>;
      var d_weight: array<Accumulator, KEY_FRAGMENTS>;
      for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
        score[f] = Accumulator();
        d_weight[f] = Accumulator();
      }
      for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
        let right = subgroupMatrixLoad<Right, col_major>(&queries, (current * ROWS + row * 16u) * K_STRIDE + d * 2u, K_STRIDE);
        for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
          score[f] = subgroupMatrixMultiplyAccumulate(keys[f][d], right, score[f]);
        }
      }
      if (HAS_DK) {
        for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
          let right = subgroupMatrixLoad<Right, col_major>(&d_outs, (current * ROWS + row * 16u) * V_STRIDE + d * 2u, V_STRIDE);
          for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
            d_weight[f] = subgroupMatrixMultiplyAccumulate(values[f][d], right, d_weight[f]);
          }
        }
      }
      for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
        subgroupMatrixStore<row_major>(&scores, slot + f * 16u * STRIDE + row * 4u, score[f], STRIDE);
        if (HAS_DK) {
          subgroupMatrixStore<row_major>(&d_weights, slot + f * 16u * STRIDE + row * 4u, d_weight[f], STRIDE);
        }
      }
    }
    workgroupBarrier();
    for (var n = 0u; n < K_LOADS; n++) { // @unroll
      let index = n * THREADS + thread;
      if (index < ROWS * K_WIDTH) {
        queries[((1u - current) * ROWS + index / K_WIDTH) * K_STRIDE + index % K_WIDTH] = next_queries[n];
      }
    }
    for (var n = 0u; n < V_LOADS; n++) { // @unroll
      let index = n * THREADS + thread;
      if (index < ROWS * V_WIDTH) {
        d_outs[((1u - current) * ROWS + index / V_WIDTH) * V_STRIDE + index % V_WIDTH] = next_d_outs[n];
      }
    }
    if (thread < ROWS) {
      row_lse[(1u - current) * ROWS + thread] = next_stats.x;
      row_delta[(1u - current) * ROWS + thread] = next_stats.y;
      row_first[(1u - current) * ROWS + thread] = next_visible.x;
      row_end[(1u - current) * ROWS + thread] = next_visible.y;
    }
    for (var n = 0u; n < K_LOADS; n++) { // @unroll
      next_queries[n] = load_query(b, kv_head, (block + 2u) * ROWS + (n * THREADS + thread) / K_WIDTH, (n * THREADS + thread) % K_WIDTH);
    }
    for (var n = 0u; n < V_LOADS; n++) { // @unroll
      next_d_outs[n] = load_d_out(b, kv_head, (block + 2u) * ROWS + (n * THREADS + thread) / V_WIDTH, (n * THREADS + thread) % V_WIDTH);
    }
    if (thread < ROWS) {
      next_stats = load_stats(b, kv_head, (block + 2u) * ROWS + thread);
      next_visible = visible_range(b, min(((block + 2u) * ROWS + thread) / G, params.T - 1u));
    }

    // Each lane turns the scores of its key into weights and gradients, in place.
    let first_seen = row_first[current * ROWS + ROWS - 1u]; // both ends grow with the row
    let has_mask = first_seen > i32(tile_key) || row_end[current * ROWS] < i32(tile_key + SUBGROUPS * KEYS);
    if (lane < KEYS) {
      var weight: array<vec4<f32>, ROWS / 4u>;
      var d_score: array<vec4<f32>, ROWS / 4u>;
      for (var c = 0u; c < ROWS / 4u; c++) { // @unroll
        let row = current * ROWS + c * 4u;
        let row_max = vec4<f32>(row_lse[row], row_lse[row + 1u], row_lse[row + 2u], row_lse[row + 3u]);
        let delta = vec4<f32>(row_delta[row], row_delta[row + 1u], row_delta[row + 2u], row_delta[row + 3u]);
        let logit = capped_four(bitcast<vec4<f32>>(scores[key_slot + c]) * scale, LOG2_E);
        weight[c] = exp2(logit - row_max);
        if (has_mask) {
          let first = vec4<i32>(row_first[row], row_first[row + 1u], row_first[row + 2u], row_first[row + 3u]);
          let end = vec4<i32>(row_end[row], row_end[row + 1u], row_end[row + 2u], row_end[row + 3u]);
          let at = vec4<i32>(i32(position));
          weight[c] = select(vec4<f32>(), weight[c], (at >= first) & (at < end));
        }
        if (HAS_DK) {
          d_score[c] = weight[c] * (bitcast<vec4<f32>>(d_weights[key_slot + c]) - delta) * cap_slope_four(logit, LOG2_E);
        }
      }
      for (var c = 0u; c < ROWS / 8u; c++) { // @unroll
        if (HAS_DV) {
          let low = weight[2u * c];
          let high = weight[2u * c + 1u];
          scores[key_slot + c] = vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
        }
        if (HAS_DK) {
          let d_low = d_score[2u * c];
          let d_high = d_score[2u * c + 1u];
          d_weights[key_slot + c] = vec4<u32>(pack2x16float(d_low.xy), pack2x16float(d_low.zw), pack2x16float(d_high.xy), pack2x16float(d_high.zw));
        }
      }
    }
    workgroupBarrier();

    for (var row = 0u; row < ROWS / 16u; row++) { // @unroll
      var left: array<Left, KEY_FRAGMENTS>;
      if (HAS_DV) {
        for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
          left[f] = subgroupMatrixLoad<Left, row_major>(&scores, slot + f * 16u * STRIDE + row * 2u, STRIDE);
        }
        for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
          let right = subgroupMatrixLoad<Right, row_major>(&d_outs, (current * ROWS + row * 16u) * V_STRIDE + d * 2u, V_STRIDE);
          for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
            dv_acc[f][d] = subgroupMatrixMultiplyAccumulate(left[f], right, dv_acc[f][d]);
          }
        }
      }
      if (HAS_DK) {
        for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
          left[f] = subgroupMatrixLoad<Left, row_major>(&d_weights, slot + f * 16u * STRIDE + row * 2u, STRIDE);
        }
        for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
          let right = subgroupMatrixLoad<Right, row_major>(&queries, (current * ROWS + row * 16u) * K_STRIDE + d * 2u, K_STRIDE);
          for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
            dk_acc[f][d] = subgroupMatrixMultiplyAccumulate(left[f], right, dk_acc[f][d]);
          }
        }
      }
    }
    workgroupBarrier(); // scores of the next block take the weights' place
  }

  if (HAS_DK) {
    let first = (params.dk_offset + b * params.dk_batch_stride) / 8u + (position * params.Hkv + kv_head) * (D / 8u);
    var before: array<vec4<u32>, 2u * K_FRAGMENTS>;
    if (ACCUMULATES && is_key) { // all at once, ahead of the sums
      for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
        for (var c = 0u; c < 2u; c++) { // @unroll
          if (d * 2u + c < D / 8u) {
            before[d * 2u + c] = dk[first + d * 2u + c];
          }
        }
      }
    }
    for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
      workgroupBarrier();
      for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
        subgroupMatrixStore<row_major>(&scores, slot + f * 16u * STRIDE, dk_acc[f][d], STRIDE);
      }
      workgroupBarrier();
      for (var c = 0u; c < 2u; c++) { // @unroll
        if (is_key && d * 2u + c < D / 8u) {
          var low = bitcast<vec4<f32>>(scores[key_slot + c * 2u]) * params.scale;
          var high = bitcast<vec4<f32>>(scores[key_slot + c * 2u + 1u]) * params.scale;
          if (ACCUMULATES) {
            let old = before[d * 2u + c];
            low += vec4<f32>(unpack2x16float(old.x), unpack2x16float(old.y));
            high += vec4<f32>(unpack2x16float(old.z), unpack2x16float(old.w));
          }
          dk[first + d * 2u + c] = vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
        }
      }
    }
  }
  if (HAS_DV) {
    let first = (params.dv_offset + b * params.dv_batch_stride) / 8u + (position * params.Hkv + kv_head) * (Dv / 8u);
    var before: array<vec4<u32>, 2u * V_FRAGMENTS>;
    if (ACCUMULATES && is_key) { // all at once, ahead of the sums
      for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
        for (var c = 0u; c < 2u; c++) { // @unroll
          if (d * 2u + c < Dv / 8u) {
            before[d * 2u + c] = dv[first + d * 2u + c];
          }
        }
      }
    }
    for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
      workgroupBarrier();
      for (var f = 0u; f < KEY_FRAGMENTS; f++) { // @unroll
        subgroupMatrixStore<row_major>(&scores, slot + f * 16u * STRIDE, dv_acc[f][d], STRIDE);
      }
      workgroupBarrier();
      for (var c = 0u; c < 2u; c++) { // @unroll
        if (is_key && d * 2u + c < Dv / 8u) {
          var low = bitcast<vec4<f32>>(scores[key_slot + c * 2u]);
          var high = bitcast<vec4<f32>>(scores[key_slot + c * 2u + 1u]);
          if (ACCUMULATES) {
            let old = before[d * 2u + c];
            low += vec4<f32>(unpack2x16float(old.x), unpack2x16float(old.y));
            high += vec4<f32>(unpack2x16float(old.z), unpack2x16float(old.w));
          }
          dv[first + d * 2u + c] = vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
        }
      }
    }
  }
}
