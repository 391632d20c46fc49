// Gradients of keys and values by register tiles, for devices without subgroup matrices, for the sequence source: any D and Dv.
//   dv = P^T . dOut,   dk = scale * dS^T . Q,   dS = P * (dOut . V^T - delta),   P = exp(scale * Q . K^T - lse)
// Rows are packed as in tile-forward.wgsl.
//
// One workgroup = 32 keys of one (b, kv_head); 8 x 8 threads hold 4 x 4 scores each and walk the packed rows in blocks of 32.
// q [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], d_out [B,T,H,Dv], dk [B,keyCapacity,Hkv,D], dv [B,keyCapacity,Hkv,Dv];
// doc_range i32 [B,T,2]; stats f32 [B,H,T] of (lse, delta).
// Workgroup memory: 15,104 bytes. Reference: attention-reference.ts; Dao, "FlashAttention-2".
alias Element = f32; // @specialize
const D: u32 = 64u; // @specialize
const Dv: u32 = 64u; // @specialize

// @import { Params, visible_range, candidate_queries } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, doc_range, d_out, stats } from '../../wgsl/attention/element-bindings.wgsl'
@group(0) @binding(6) var<storage, read_write> dk: array<Element>;
@group(0) @binding(7) var<storage, read_write> dv: array<Element>;
@group(0) @binding(8) var<uniform> params: Params;

const LOG2_E = 1.4426950408889634;
// @import { capped, cap_slope } from '../../wgsl/attention/softcap.wgsl'
// @import { THREADS, ROWS, KEYS, DEPTH, COLUMNS, D_CHUNKS, V_CHUNKS, STRIDE, left_tile, right_tile, columns_tile, query_at, four_queries, four_d_outs, four_keys, four_values, add_products, d_out_columns, query_columns } from '../../wgsl/attention/register-tile.wgsl'

var<workgroup> weights: array<f32, KEYS * STRIDE>;
var<workgroup> d_scores: array<f32, KEYS * STRIDE>;
var<workgroup> row_stats: array<vec2<f32>, ROWS>;
var<workgroup> row_visible: array<vec2<i32>, ROWS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let G = params.H / params.Hkv;
  let kv_head = group.y % params.Hkv;
  let b = group.y / params.Hkv;
  let tile_key = group.x * KEYS;
  let n_rows = params.T * G;
  let tx = thread % 8u;
  let ty = thread / 8u;
  let k_base = params.k_offset + b * params.k_batch_stride;
  let v_base = params.v_offset + b * params.v_batch_stride;
  let last_key = min(tile_key + KEYS, params.positions) - 1u;
  let first_block = u32(candidate_queries(i32(tile_key)).x) * G / ROWS;
  let end_block = (u32(candidate_queries(i32(last_key)).y) * G + ROWS - 1u) / ROWS;

  var dk_acc: array<vec4<f32>, D_CHUNKS * 4u>;
  var dv_acc: array<vec4<f32>, V_CHUNKS * 4u>;
  for (var block = first_block; block < end_block; block++) {
    let first_row = block * ROWS;
    workgroupBarrier();
    if (thread < ROWS) {
      let row = min(first_row + thread, n_rows - 1u);
      row_visible[thread] = select(vec2<i32>(), visible_range(b, row / G), first_row + thread < n_rows);
      row_stats[thread] = stats[(b * params.H + kv_head * G + row % G) * params.T + row / G];
    }
    var score: array<vec4<f32>, 4>;
    for (var r = 0u; r < 4u; r++) { // SwiftShader keeps a private array's values through `= array<vec4<f32>, 4>()` in a loop
      score[r] = vec4<f32>();
    }
    for (var depth = 0u; depth < D; depth += DEPTH) {
      workgroupBarrier();
      left_tile[(thread % 8u) * 8u + thread / 8u] = four_keys(k_base, kv_head, i32(tile_key + (thread / 8u) * 4u), depth + thread % 8u);
      right_tile[(thread % 8u) * 8u + thread / 8u] = four_queries(b, kv_head, first_row + (thread / 8u) * 4u, depth + thread % 8u);
      workgroupBarrier();
      add_products(&score, ty, tx);
    }
    var d_weight: array<vec4<f32>, 4>;
    for (var r = 0u; r < 4u; r++) {
      d_weight[r] = vec4<f32>();
    }
    for (var depth = 0u; depth < Dv; depth += DEPTH) {
      workgroupBarrier();
      left_tile[(thread % 8u) * 8u + thread / 8u] = four_values(v_base, kv_head, i32(tile_key + (thread / 8u) * 4u), depth + thread % 8u);
      right_tile[(thread % 8u) * 8u + thread / 8u] = four_d_outs(b, kv_head, first_row + (thread / 8u) * 4u, depth + thread % 8u);
      workgroupBarrier();
      add_products(&d_weight, ty, tx);
    }
    for (var c = 0u; c < 4u; c++) {
      let lse_delta = row_stats[tx * 4u + c];
      let range = row_visible[tx * 4u + c];
      for (var r = 0u; r < 4u; r++) {
        let position = i32(tile_key + ty * 4u + r);
        let sees = position >= range.x && position < range.y;
        let logit = capped(score[r][c] * params.scale, 1.0);
        let weight = select(0.0, exp2((logit - lse_delta.x) * LOG2_E), sees);
        weights[(ty * 4u + r) * STRIDE + tx * 4u + c] = weight;
        d_scores[(ty * 4u + r) * STRIDE + tx * 4u + c] = weight * (d_weight[r][c] - lse_delta.y) * cap_slope(logit, 1.0);
      }
    }
    for (var chunk = 0u; chunk < V_CHUNKS; chunk++) { // @unroll
      workgroupBarrier();
      for (var n = thread; n < 32u * 8u; n += THREADS) {
        columns_tile[n] = d_out_columns(b, kv_head, first_row + n / 8u, chunk * COLUMNS + (n % 8u) * 4u);
      }
      workgroupBarrier();
      for (var n = 0u; n < 32u; n++) {
        let right = columns_tile[n * 8u + tx];
        dv_acc[chunk * 4u] += weights[(ty * 4u) * STRIDE + n] * right;
        dv_acc[chunk * 4u + 1u] += weights[(ty * 4u + 1u) * STRIDE + n] * right;
        dv_acc[chunk * 4u + 2u] += weights[(ty * 4u + 2u) * STRIDE + n] * right;
        dv_acc[chunk * 4u + 3u] += weights[(ty * 4u + 3u) * STRIDE + n] * right;
      }
    }
    for (var chunk = 0u; chunk < D_CHUNKS; chunk++) { // @unroll
      workgroupBarrier();
      for (var n = thread; n < 32u * 8u; n += THREADS) {
        columns_tile[n] = query_columns(b, kv_head, first_row + n / 8u, chunk * COLUMNS + (n % 8u) * 4u);
      }
      workgroupBarrier();
      for (var n = 0u; n < 32u; n++) {
        let right = columns_tile[n * 8u + tx];
        dk_acc[chunk * 4u] += d_scores[(ty * 4u) * STRIDE + n] * right;
        dk_acc[chunk * 4u + 1u] += d_scores[(ty * 4u + 1u) * STRIDE + n] * right;
        dk_acc[chunk * 4u + 2u] += d_scores[(ty * 4u + 2u) * STRIDE + n] * right;
        dk_acc[chunk * 4u + 3u] += d_scores[(ty * 4u + 3u) * STRIDE + n] * right;
      }
    }
  }

  for (var chunk = 0u; chunk < D_CHUNKS; chunk++) { // @unroll
    for (var r = 0u; r < 4u; r++) { // @unroll
      let position = tile_key + ty * 4u + r;
      if (position < params.positions) {
        let base = params.dk_offset + b * params.dk_batch_stride + (position * params.Hkv + kv_head) * D;
        for (var c = 0u; c < 4u; c++) {
          let column = chunk * COLUMNS + tx * 4u + c;
          if (column < D) {
            var total = dk_acc[chunk * 4u + r][c] * params.scale;
            if (params.accumulate != 0u) {
              total += f32(dk[base + column]);
            }
            dk[base + column] = Element(total);
          }
        }
      }
    }
  }
  for (var chunk = 0u; chunk < V_CHUNKS; chunk++) { // @unroll
    for (var r = 0u; r < 4u; r++) { // @unroll
      let position = tile_key + ty * 4u + r;
      if (position < params.positions) {
        let base = params.dv_offset + b * params.dv_batch_stride + (position * params.Hkv + kv_head) * Dv;
        for (var c = 0u; c < 4u; c++) {
          let column = chunk * COLUMNS + tx * 4u + c;
          if (column < Dv) {
            var total = dv_acc[chunk * 4u + r][c];
            if (params.accumulate != 0u) {
              total += f32(dv[base + column]);
            }
            dv[base + column] = Element(total);
          }
        }
      }
    }
  }
}
