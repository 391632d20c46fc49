// Gradient of the queries on subgroup matrices, through the sequence source: f16 operands, f32 accumulation.
//   dq = scale * dS . K,   dS = P * (dOut . V^T - delta),   P = exp(scale * Q . K^T - lse)
// Rows are packed as in matrix-forward.wgsl: row r = (i, g), i = r / G.
//
// One workgroup = SUBGROUPS * ROWS packed rows of one (b, kv_head); each subgroup owns ROWS of them, each lane one, and walks the keys in
// blocks of KEYS.
// q, dq [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], d_out [B,T,H,Dv] as 8 halves an element; doc_range i32 [B,T,2];
// stats f32 [B,H,T] of (lse, delta).
// Workgroup memory: 4 KEYS (D + Dv + 16) + SUBGROUPS ROWS (KEYS + 4) 8 bytes, D and Dv rounded up to 16.
// Reference: attention-reference.ts; Dao, "FlashAttention-2".
enable f16;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);

// @interface, bindings from 6
//   const SUBGROUPS: u32 = 4u
//   const ROW_FRAGMENTS: u32 = 2u
//   const KEYS: u32 = 16u
//   const D: u32 = 64u
//   const Dv: u32 = 64u
//   read_write dq: array<vec4<u32>>
//   uniform params: Params

// @import { Left, Right, Accumulator, K_FRAGMENTS, V_FRAGMENTS, K_WIDTH, V_WIDTH, K_STRIDE, V_STRIDE } from '../../wgsl/attention/fragments.wgsl'
// @import { Params, visible_range } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, doc_range, d_out, stats } from '../../wgsl/attention/halves-bindings.wgsl'

const LOWEST = -3.0e38;
const HIGHEST = 3.0e38;
const LOG2_E = 1.4426950408889634;
// @import { capped_four, cap_slope_four } from '../../wgsl/attention/softcap.wgsl'

const THREADS = SUBGROUPS * 32u;
const ROWS = ROW_FRAGMENTS * 16u; // of a subgroup, a lane each
const K_LOADS = (KEYS * K_WIDTH + THREADS - 1u) / THREADS;
const V_LOADS = (KEYS * V_WIDTH + THREADS - 1u) / THREADS;
const STRIDE = KEYS / 4u + 1u; // of a row of scores, elements of 4 floats or 8 halves
const ROUND_ROWS = min(2u * KEYS, SUBGROUPS * ROWS);
const ROUNDS = SUBGROUPS * ROWS / ROUND_ROWS;

var<workgroup> keys: array<vec4<u32>, 2u * KEYS * K_STRIDE>;
var<workgroup> values: array<vec4<u32>, 2u * KEYS * V_STRIDE>;
var<workgroup> scores: array<vec4<u32>, SUBGROUPS * ROWS * STRIDE>; // f32 scores, then f16 gradients of scores
var<workgroup> d_weights: array<vec4<u32>, SUBGROUPS * ROWS * STRIDE>; // f32

// @import { load_key, load_value, load_query, load_d_out, load_stats } from '../../wgsl/attention/packed-rows.wgsl'

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let G = params.H / params.Hkv;
  let kv_head = group.y % params.Hkv;
  let b = group.y / params.Hkv;
  let tile_row = (groups.x - 1u - group.x) * SUBGROUPS * ROWS; // causal: the longest rows first
  let n_rows = params.T * G;
  let subgroup = thread / 32u;
  let lane = thread % 32u;
  let owned = subgroup * ROWS + min(lane, ROWS - 1u); // this lane's row of the tile
  let row = tile_row + owned;
  let is_row = row < n_rows && lane < ROWS;
  let slot = subgroup * ROWS * STRIDE;
  let row_slot = owned * STRIDE;

  // Both ends of visible_range() grow with the row: the first and the last row bound the tile.
  let range = visible_range(b, min(row, n_rows - 1u) / G);
  let first_range = visible_range(b, tile_row / G);
  let last_range = visible_range(b, (min(tile_row + SUBGROUPS * ROWS, n_rows) - 1u) / G);
  let first_block = first_range.x / i32(KEYS);
  let end_block = (last_range.y + i32(KEYS) - 1) / i32(KEYS);

  // Queries and output gradients as fragments, through the key and value buffers.
  var queries: array<array<Left, K_FRAGMENTS>, ROW_FRAGMENTS>;
  var d_outs: array<array<Left, V_FRAGMENTS>, ROW_FRAGMENTS>;
  for (var round = 0u; round < ROUNDS; round++) {
    workgroupBarrier();
    for (var n = thread; n < ROUND_ROWS * K_WIDTH; n += THREADS) {
      keys[(n / K_WIDTH) * K_STRIDE + n % K_WIDTH] = load_query(b, kv_head, tile_row + round * ROUND_ROWS + n / K_WIDTH, n % K_WIDTH);
    }
    for (var n = thread; n < ROUND_ROWS * V_WIDTH; n += THREADS) {
      values[(n / V_WIDTH) * V_STRIDE + n % V_WIDTH] = load_d_out(b, kv_head, tile_row + round * ROUND_ROWS + n / V_WIDTH, n % V_WIDTH);
    }
    workgroupBarrier();
    if (subgroup * ROWS / ROUND_ROWS == round) {
      for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
        for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
          queries[r][d] = subgroupMatrixLoad<Left, row_major>(&keys, (subgroup * ROWS % ROUND_ROWS + r * 16u) * K_STRIDE + d * 2u, K_STRIDE);
        }
        for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
          d_outs[r][d] = subgroupMatrixLoad<Left, row_major>(&values, (subgroup * ROWS % ROUND_ROWS + r * 16u) * V_STRIDE + d * 2u, V_STRIDE);
        }
      }
    }
  }
  var acc: array<array<Accumulator, K_FRAGMENTS>, ROW_FRAGMENTS>;
  for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
    for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
      acc[r][d] = Accumulator();
    }
  }

  let scale = params.scale * LOG2_E;
  let lse_delta = load_stats(b, kv_head, row);
  var next_keys: array<vec4<u32>, K_LOADS>; // travel a whole block ahead
  var next_values: array<vec4<u32>, V_LOADS>;
  workgroupBarrier();
  for (var n = 0u; n < K_LOADS; n++) { // @unroll
    next_keys[n] = load_key(b, kv_head, first_block * i32(KEYS) + i32((n * THREADS + thread) / K_WIDTH), (n * THREADS + thread) % K_WIDTH);
  }
  for (var n = 0u; n < V_LOADS; n++) { // @unroll
    next_values[n] = load_value(b, kv_head, first_block * i32(KEYS) + i32((n * THREADS + thread) / V_WIDTH), (n * THREADS + thread) % V_WIDTH);
  }
  for (var n = 0u; n < K_LOADS; n++) { // @unroll
    let index = n * THREADS + thread;
    if (index < KEYS * K_WIDTH) {
      keys[(0u * KEYS + index / K_WIDTH) * K_STRIDE + index % K_WIDTH] = next_keys[n];
    }
  }
  for (var n = 0u; n < V_LOADS; n++) { // @unroll
    let index = n * THREADS + thread;
    if (index < KEYS * V_WIDTH) {
      values[(0u * KEYS + index / V_WIDTH) * V_STRIDE + index % V_WIDTH] = next_values[n];
    }
  }
  for (var n = 0u; n < K_LOADS; n++) { // @unroll
    next_keys[n] = load_key(b, kv_head, (first_block + 1) * i32(KEYS) + i32((n * THREADS + thread) / K_WIDTH), (n * THREADS + thread) % K_WIDTH);
  }
  for (var n = 0u; n < V_LOADS; n++) { // @unroll
    next_values[n] = load_value(b, kv_head, (first_block + 1) * i32(KEYS) + i32((n * THREADS + thread) / V_WIDTH), (n * THREADS + thread) % V_WIDTH);
  }
  workgroupBarrier();

  for (var block = first_block; block < end_block; block++) {
    let current = u32(block - first_block) % 2u;
    for (var key = 0u; key < KEYS / 16u; key++) { // @unroll
      var score: array<Accumulator, ROW_FRAGMENTS>;
      var d_weight: array<Accumulator, ROW_FRAGMENTS>;
      for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
        score[r] = Accumulator();
        d_weight[r] = Accumulator();
      }
      for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
        let right = subgroupMatrixLoad<Right, col_major>(&keys, (current * KEYS + key * 16u) * K_STRIDE + d * 2u, K_STRIDE);
        for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
          score[r] = subgroupMatrixMultiplyAccumulate(queries[r][d], right, score[r]);
        }
      }
      for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
        let right = subgroupMatrixLoad<Right, col_major>(&values, (current * KEYS + key * 16u) * V_STRIDE + d * 2u, V_STRIDE);
        for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
          d_weight[r] = subgroupMatrixMultiplyAccumulate(d_outs[r][d], right, d_weight[r]);
        }
      }
      for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
        subgroupMatrixStore<row_major>(&scores, slot + r * 16u * STRIDE + key * 4u, score[r], STRIDE);
        subgroupMatrixStore<row_major>(&d_weights, slot + r * 16u * STRIDE + key * 4u, d_weight[r], STRIDE);
      }
    }
    workgroupBarrier();
    for (var n = 0u; n < K_LOADS; n++) { // @unroll
      let index = n * THREADS + thread;
      if (index < KEYS * K_WIDTH) {
        keys[((1u - current) * KEYS + index / K_WIDTH) * K_STRIDE + index % K_WIDTH] = next_keys[n];
      }
    }
    for (var n = 0u; n < V_LOADS; n++) { // @unroll
      let index = n * THREADS + thread;
      if (index < KEYS * V_WIDTH) {
        values[((1u - current) * KEYS + index / V_WIDTH) * V_STRIDE + index % V_WIDTH] = next_values[n];
      }
    }
    for (var n = 0u; n < K_LOADS; n++) { // @unroll
      next_keys[n] = load_key(b, kv_head, (block + 2) * i32(KEYS) + i32((n * THREADS + thread) / K_WIDTH), (n * THREADS + thread) % K_WIDTH);
    }
    for (var n = 0u; n < V_LOADS; n++) { // @unroll
      next_values[n] = load_value(b, kv_head, (block + 2) * i32(KEYS) + i32((n * THREADS + thread) / V_WIDTH), (n * THREADS + thread) % V_WIDTH);
    }

    let first_key = block * i32(KEYS);
    let has_mask = first_key < last_range.x || first_key + i32(KEYS) > first_range.y;
    if (lane < ROWS) {
      var d_score: array<vec4<f32>, KEYS / 4u>;
      for (var c = 0u; c < KEYS / 4u; c++) { // @unroll
        let logit = capped_four(bitcast<vec4<f32>>(scores[row_slot + c]) * scale, LOG2_E);
        var weight = exp2(logit - lse_delta.x);
        if (has_mask) {
          let key = vec4<i32>(first_key + i32(c) * 4) + vec4<i32>(0, 1, 2, 3);
          weight = select(vec4<f32>(), weight, (key >= vec4<i32>(range.x)) & (key < vec4<i32>(range.y)));
        }
        d_score[c] = weight * (bitcast<vec4<f32>>(d_weights[row_slot + c]) - lse_delta.y) * cap_slope_four(logit, LOG2_E);
      }
      for (var c = 0u; c < KEYS / 8u; c++) { // @unroll
        let low = d_score[2u * c];
        let high = d_score[2u * c + 1u];
        scores[row_slot + c] = vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
      }
    }
    workgroupBarrier();

    for (var key = 0u; key < KEYS / 16u; key++) { // @unroll
      var left: array<Left, ROW_FRAGMENTS>;
      for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
        left[r] = subgroupMatrixLoad<Left, row_major>(&scores, slot + r * 16u * STRIDE + key * 2u, STRIDE);
      }
      for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
        let right = subgroupMatrixLoad<Right, row_major>(&keys, (current * KEYS + key * 16u) * K_STRIDE + d * 2u, K_STRIDE);
        for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
          acc[r][d] = subgroupMatrixMultiplyAccumulate(left[r], right, acc[r][d]);
        }
      }
    }
    workgroupBarrier(); // scores of the next block take the gradients' place
  }

  for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
    workgroupBarrier();
    for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
      subgroupMatrixStore<row_major>(&scores, slot + r * 16u * STRIDE, acc[r][d], STRIDE);
    }
    workgroupBarrier();
    for (var c = 0u; c < 2u; c++) {
      if (is_row && d * 2u + c < D / 8u) {
        let low = bitcast<vec4<f32>>(scores[row_slot + c * 2u]) * params.scale;
        let high = bitcast<vec4<f32>>(scores[row_slot + c * 2u + 1u]) * params.scale;
        dq[((b * params.T + row / G) * params.H + kv_head * G + row % G) * (D / 8u) + d * 2u + c] =
          vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
      }
    }
  }
}
