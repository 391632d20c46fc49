// Gradient of the queries by register tiles, for devices without subgroup matrices, through the sequence source: any D and Dv.
//   dq = scale * dS . K,   dS = P * (dOut . V^T - delta),   P = exp(scale * Q . K^T - lse)
// Rows are packed as in tile-forward.wgsl.
//
// One workgroup = 32 packed rows of one (b, kv_head); 8 x 8 threads hold 4 x 4 scores each and walk the keys in blocks of 32.
// q, dq [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], d_out [B,T,H,Dv]; doc_range i32 [B,T,2]; stats f32 [B,H,T] of (lse, delta).
// Workgroup memory: 10,880 bytes. Reference: attention-reference.ts; Dao, "FlashAttention-2".
alias Element = f32; // @specialize
const D: u32 = 64u; // @specialize
const Dv: u32 = 64u; // @specialize

// @import { Params, visible_range } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, doc_range, d_out, stats } from '../../wgsl/attention/element-bindings.wgsl'
@group(0) @binding(6) var<storage, read_write> dq: array<Element>;
@group(0) @binding(7) var<uniform> params: Params;

const LOG2_E = 1.4426950408889634;
// @import { capped_four, cap_slope_four } from '../../wgsl/attention/softcap.wgsl'
// @import { THREADS, ROWS, KEYS, DEPTH, COLUMNS, D_CHUNKS, STRIDE, left_tile, right_tile, columns_tile, query_at, four_queries, four_d_outs, four_keys, four_values, add_products, key_columns } from '../../wgsl/attention/register-tile.wgsl'

var<workgroup> d_scores: array<f32, ROWS * STRIDE>;
var<workgroup> row_stats: array<vec2<f32>, ROWS>;
var<workgroup> row_visible: array<vec2<i32>, ROWS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let G = params.H / params.Hkv;
  let kv_head = group.y % params.Hkv;
  let b = group.y / params.Hkv;
  let tile_row = (groups.x - 1u - group.x) * ROWS; // causal: the longest rows first
  let n_rows = params.T * G;
  let tx = thread % 8u;
  let ty = thread / 8u;
  let k_base = params.k_offset + b * params.k_batch_stride;
  let v_base = params.v_offset + b * params.v_batch_stride;

  // Both ends of visible_range() grow with the row: the first and the last row bound the tile.
  let first_block = visible_range(b, tile_row / G).x / i32(KEYS);
  let end_block = (visible_range(b, (min(tile_row + ROWS, n_rows) - 1u) / G).y + i32(KEYS) - 1) / i32(KEYS);

  if (thread < ROWS) {
    let row = min(tile_row + thread, n_rows - 1u);
    row_visible[thread] = visible_range(b, row / G);
    row_stats[thread] = stats[(b * params.H + kv_head * G + row % G) * params.T + row / G];
  }
  workgroupBarrier();
  var acc: array<vec4<f32>, D_CHUNKS * 4u>;
  for (var block = first_block; block < end_block; block++) {
    let first_key = block * i32(KEYS);
    var score: array<vec4<f32>, 4>;
    for (var r = 0u; r < 4u; r++) { // SwiftShader keeps a private array's values through `= array<vec4<f32>, 4>()` in a loop
      score[r] = vec4<f32>();
    }
    for (var depth = 0u; depth < D; depth += DEPTH) {
      workgroupBarrier();
      left_tile[(thread % 8u) * 8u + thread / 8u] = four_queries(b, kv_head, tile_row + (thread / 8u) * 4u, depth + thread % 8u);
      right_tile[(thread % 8u) * 8u + thread / 8u] = four_keys(k_base, kv_head, first_key + i32((thread / 8u) * 4u), depth + thread % 8u);
      workgroupBarrier();
      add_products(&score, ty, tx);
    }
    var d_weight: array<vec4<f32>, 4>;
    for (var r = 0u; r < 4u; r++) {
      d_weight[r] = vec4<f32>();
    }
    for (var depth = 0u; depth < Dv; depth += DEPTH) {
      workgroupBarrier();
      left_tile[(thread % 8u) * 8u + thread / 8u] = four_d_outs(b, kv_head, tile_row + (thread / 8u) * 4u, depth + thread % 8u);
      right_tile[(thread % 8u) * 8u + thread / 8u] = four_values(v_base, kv_head, first_key + i32((thread / 8u) * 4u), depth + thread % 8u);
      workgroupBarrier();
      add_products(&d_weight, ty, tx);
    }
    let key = vec4<i32>(first_key + i32(tx) * 4) + vec4<i32>(0, 1, 2, 3);
    for (var r = 0u; r < 4u; r++) {
      let lse_delta = row_stats[ty * 4u + r];
      let range = row_visible[ty * 4u + r];
      let sees = (key >= vec4<i32>(range.x)) & (key < vec4<i32>(range.y));
      let logit = capped_four(score[r] * params.scale, 1.0);
      let weight = select(vec4<f32>(), exp2((logit - lse_delta.x) * LOG2_E), sees);
      let d_score = weight * (d_weight[r] - lse_delta.y) * cap_slope_four(logit, 1.0);
      for (var c = 0u; c < 4u; c++) {
        d_scores[(ty * 4u + r) * STRIDE + tx * 4u + c] = d_score[c];
      }
    }
    for (var chunk = 0u; chunk < D_CHUNKS; chunk++) { // @unroll
      workgroupBarrier();
      for (var n = thread; n < 32u * 8u; n += THREADS) {
        columns_tile[n] = key_columns(k_base, kv_head, first_key + i32(n / 8u), chunk * COLUMNS + (n % 8u) * 4u);
      }
      workgroupBarrier();
      for (var n = 0u; n < 32u; n++) {
        let right = columns_tile[n * 8u + tx];
        acc[chunk * 4u] += d_scores[(ty * 4u) * STRIDE + n] * right;
        acc[chunk * 4u + 1u] += d_scores[(ty * 4u + 1u) * STRIDE + n] * right;
        acc[chunk * 4u + 2u] += d_scores[(ty * 4u + 2u) * STRIDE + n] * right;
        acc[chunk * 4u + 3u] += d_scores[(ty * 4u + 3u) * STRIDE + n] * right;
      }
    }
    workgroupBarrier();
  }

  for (var chunk = 0u; chunk < D_CHUNKS; chunk++) { // @unroll
    for (var r = 0u; r < 4u; r++) { // @unroll
      if (tile_row + ty * 4u + r < n_rows) {
        let base = query_at(b, kv_head, tile_row + ty * 4u + r) * D;
        for (var c = 0u; c < 4u; c++) {
          let column = chunk * COLUMNS + tx * 4u + c;
          if (column < D) {
            dq[base + column] = Element(acc[chunk * 4u + r][c] * params.scale);
          }
        }
      }
    }
  }
}
