// Flash attention forward by register tiles, for devices without subgroup matrices: out and lse of the sequence source, any D and Dv.
// The G heads that share a key/value head are packed into the rows: row r = (i, g), i = r / G.
//
// One workgroup = 32 packed rows of one (b, kv_head); 8 x 8 threads hold 4 x 4 scores each and walk the keys in blocks of 32.
// q [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], out [B,T,H,Dv]; doc_range i32 [B,T,2]; lse f32 [B,H,T].
// Workgroup memory: 10,496 bytes. Reference: attention-reference.ts; Dao, "FlashAttention-2".
alias Element = f32; // @specialize
const D: u32 = 64u; // @specialize
const Dv: u32 = 64u; // @specialize

// @import { Params, visible_range } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, doc_range } from '../../wgsl/attention/element-bindings.wgsl'
@group(0) @binding(4) var<storage, read_write> out: array<Element>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const LOWEST = -3.0e38;
const FLOOR = -1.0e30; // under every score, above masked ones
const LOG2_E = 1.4426950408889634;
// @import { capped } from '../../wgsl/attention/softcap.wgsl'
// @import { THREADS, ROWS, KEYS, DEPTH, COLUMNS, V_CHUNKS, STRIDE, left_tile, right_tile, columns_tile, query_at, four_queries, four_keys, add_products, value_columns } from '../../wgsl/attention/register-tile.wgsl'

var<workgroup> scores: array<f32, ROWS * STRIDE>; // then weights
var<workgroup> row_scale: array<f32, ROWS>;

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

  // State of the row of each of the first 32 threads: maximum in log2 units, sum of weights.
  let row = tile_row + thread;
  let range = visible_range(b, min(row, n_rows - 1u) / G);
  var maximum = LOWEST;
  var sum = 0.0;
  var acc: array<vec4<f32>, V_CHUNKS * 4u>;
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
    for (var r = 0u; r < 4u; r++) {
      for (var c = 0u; c < 4u; c++) {
        scores[(ty * 4u + r) * STRIDE + tx * 4u + c] = capped(score[r][c] * (params.scale * LOG2_E), LOG2_E);
      }
    }
    workgroupBarrier();
    if (thread < ROWS) {
      var grown = maximum;
      for (var n = 0u; n < KEYS; n++) {
        let key = first_key + i32(n);
        let logit = select(LOWEST, scores[thread * STRIDE + n], key >= range.x && key < range.y);
        scores[thread * STRIDE + n] = logit;
        grown = max(grown, logit);
      }
      let rescale = exp2(maximum - grown);
      maximum = grown;
      var added = 0.0;
      for (var n = 0u; n < KEYS; n++) {
        let weight = exp2(scores[thread * STRIDE + n] - max(grown, FLOOR));
        scores[thread * STRIDE + n] = weight;
        added += weight;
      }
      sum = sum * rescale + added;
      row_scale[thread] = rescale;
    }
    workgroupBarrier();
    let rescale = vec4<f32>(row_scale[ty * 4u], row_scale[ty * 4u + 1u], row_scale[ty * 4u + 2u], row_scale[ty * 4u + 3u]);
    for (var chunk = 0u; chunk < V_CHUNKS; chunk++) { // @unroll
      for (var r = 0u; r < 4u; r++) { // @unroll
        acc[chunk * 4u + r] *= rescale[r];
      }
    }
    for (var chunk = 0u; chunk < V_CHUNKS; chunk++) { // @unroll
      workgroupBarrier();
      for (var n = thread; n < 32u * 8u; n += THREADS) {
        columns_tile[n] = value_columns(v_base, kv_head, first_key + i32(n / 8u), chunk * COLUMNS + (n % 8u) * 4u);
      }
      workgroupBarrier();
      for (var n = 0u; n < 32u; n++) {
        let right = columns_tile[n * 8u + tx];
        acc[chunk * 4u] += scores[(ty * 4u) * STRIDE + n] * right;
        acc[chunk * 4u + 1u] += scores[(ty * 4u + 1u) * STRIDE + n] * right;
        acc[chunk * 4u + 2u] += scores[(ty * 4u + 2u) * STRIDE + n] * right;
        acc[chunk * 4u + 3u] += scores[(ty * 4u + 3u) * STRIDE + n] * right;
      }
    }
  }

  workgroupBarrier();
  if (thread < ROWS) {
    row_scale[thread] = select(0.0, 1.0 / sum, sum > 0.0); // rows that see no key give 0
    if (row < n_rows) {
      lse[(b * params.H + kv_head * G + row % G) * params.T + row / G] = select(params.negative_infinity, (maximum + log2(sum)) / LOG2_E, sum > 0.0);
    }
  }
  workgroupBarrier();
  for (var chunk = 0u; chunk < V_CHUNKS; chunk++) { // @unroll
    for (var r = 0u; r < 4u; r++) { // @unroll
      if (tile_row + ty * 4u + r < n_rows) {
        let base = query_at(b, kv_head, tile_row + ty * 4u + r) * Dv;
        for (var c = 0u; c < 4u; c++) {
          let column = chunk * COLUMNS + tx * 4u + c;
          if (column < Dv) {
            out[base + column] = Element(acc[chunk * 4u + r][c] * row_scale[ty * 4u + r]);
          }
        }
      }
    }
  }
}
