// Gradients of keys and values by register tiles, for devices without subgroup matrices, for the sequence source: any D and Dv.
//   dv = P^T . dOut,   dk = scale * dS^T . Q,   dS = P * (dOut . V^T - delta),   P = exp(scale * Q . K^T - lse)
// Rows are packed as in tile-forward.wgsl.
//
// One workgroup = 32 keys of one (b, kv_head); 8 x 8 threads hold 4 x 4 scores each and walk the packed rows in blocks of 32.
// q [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], d_out [B,T,H,Dv], dk [B,keyCapacity,Hkv,D], dv [B,keyCapacity,Hkv,Dv];
// doc_range i32 [B,T,2]; stats f32 [B,H,T] of (lse, delta).
// Workgroup memory: 9,856 bytes. Reference: attention-reference.ts; Dao, "FlashAttention-2".

// @interface, bindings from 6
//   alias Element = f32
//   alias Loaded = f32      what is read at once, Element or vec4<Element>
//   const D: u32 = 64u
//   const Dv: u32 = 64u
//   const LOADED: u32 = 1u  elements of it
//   read_write dk: array<Element>
//   read_write dv: array<Element>
//   uniform params: Params

// @import { Params, visible_range, candidate_queries } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, doc_range, d_out, stats } from '../../wgsl/attention/bindings.wgsl'

const LOG2_E = 1.4426950408889634;
// @import { capped_four, cap_slope_four } from '../../wgsl/attention/softcap.wgsl'
// @import { THREADS, TILE, DEPTH, STRIDE, D_PAIR, D_CHUNKS, V_PAIR, V_CHUNKS, staging, scores, query_at, four_keys_at, query_dims, d_out_dims, key_dims, value_dims, stage_left, stage_right, clear, add_products } from '../../wgsl/attention/register-tile.wgsl'

const D_STAGE = 32u / D_PAIR; // rows of a step of score gradients times queries
const V_STAGE = 32u / V_PAIR; // rows of a step of weights times output gradients

var<workgroup> row_at: array<u32, TILE>; // where a row starts, in heads
var<workgroup> row_stats: array<vec2<f32>, TILE>;
var<workgroup> row_visible: array<vec2<i32>, TILE>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let G = params.H / params.Hkv;
  let kv_head = group.y % params.Hkv;
  let b = group.y / params.Hkv;
  let tile_key = group.x * TILE;
  let n_rows = params.T * G;
  let tx = thread % 8u;
  let ty = thread / 8u;
  let last_key = min(tile_key + TILE, params.positions) - 1u;
  let first_block = u32(candidate_queries(i32(tile_key)).x) * G / TILE;
  let end_block = (u32(candidate_queries(i32(last_key)).y) * G + TILE - 1u) / TILE;

  // What this thread brings into staging: four dimensions of four keys, or of four rows.
  let dims = (thread % 4u) * 4u;
  let is_left = thread < 32u;
  let job = (thread / 4u) % 8u;
  let key_rows = four_keys_at(kv_head, vec4<i32>(i32(tile_key + job * 4u)) + vec4<i32>(0, 1, 2, 3));
  let keys = params.k_offset + b * params.k_batch_stride + key_rows * D;
  let values = params.v_offset + b * params.v_batch_stride + key_rows * Dv;

  var dk_acc: array<vec4<f32>, D_CHUNKS * D_PAIR * 4u>;
  var dv_acc: array<vec4<f32>, V_CHUNKS * V_PAIR * 4u>;
  for (var block = first_block; block < end_block; block++) {
    let first_row = block * TILE;
    workgroupBarrier();
    if (thread < TILE) {
      let row = min(first_row + thread, n_rows - 1u);
      row_at[thread] = query_at(b, kv_head, row);
      row_visible[thread] = select(vec2<i32>(), visible_range(b, row / G), first_row + thread < n_rows);
      row_stats[thread] = stats[(b * params.H + kv_head * G + row % G) * params.T + row / G];
    }
    workgroupBarrier();
    let rows = vec4<u32>(row_at[job], row_at[job + 8u], row_at[job + 16u], row_at[job + 24u]);
    let queries = rows * D;
    let d_outs = rows * Dv;
    var product: array<vec4<f32>, 4>; // Q . K^T, then dOut . V^T
    clear(&product);
    for (var depth = 0u; depth < D; depth += DEPTH) {
      let d = depth + dims;
      workgroupBarrier();
      if (is_left) {
        stage_left(job, dims, mat4x4<f32>(key_dims(keys.x, d), key_dims(keys.y, d), key_dims(keys.z, d), key_dims(keys.w, d)));
      } else {
        stage_right(job, dims, mat4x4<f32>(query_dims(queries.x, d), query_dims(queries.y, d), query_dims(queries.z, d), query_dims(queries.w, d)));
      }
      workgroupBarrier();
      add_products(&product, ty, tx);
    }
    var slope: array<vec4<f32>, 4>; // of the logits' cap
    for (var c = 0u; c < 4u; c++) { // @unroll
      let lse = row_stats[tx + c * 8u].x * LOG2_E;
      let range = row_visible[tx + c * 8u];
      let position = vec4<i32>(i32(tile_key + (ty) * 4u)) + vec4<i32>(0, 1, 2, 3);
      let sees = (position >= vec4<i32>(range.x)) & (position < vec4<i32>(range.y));
      let logit = capped_four(product[c] * params.scale, 1.0);
      slope[c] = cap_slope_four(logit, 1.0);
      scores[(tx + c * 8u) * STRIDE + ty] = select(vec4<f32>(), exp2(logit * LOG2_E - lse), sees);
    }
    for (var chunk = 0u; chunk < V_CHUNKS; chunk++) { // @unroll
      for (var stage = 0u; stage < TILE; stage += V_STAGE) {
        workgroupBarrier();
        for (var n = thread; n < V_STAGE * V_PAIR * 8u; n += THREADS) {
          staging[n] = d_out_dims(row_at[stage + n / (V_PAIR * 8u)] * Dv, chunk * V_PAIR * 32u + (n % (V_PAIR * 8u)) * 4u);
        }
        workgroupBarrier();
        for (var n = 0u; n < V_STAGE; n++) {
          let weight = scores[(stage + n) * STRIDE + ty];
          for (var pair = 0u; pair < V_PAIR; pair++) { // @unroll
            if ((chunk * V_PAIR + pair) * 32u < Dv) {
              let right = staging[n * V_PAIR * 8u + pair * 8u + tx];
              for (var c = 0u; c < 4u; c++) { // @unroll
                dv_acc[(chunk * V_PAIR + pair) * 4u + c] += weight[c] * right;
              }
            }
          }
        }
      }
    }
    clear(&product);
    for (var depth = 0u; depth < Dv; depth += DEPTH) {
      let d = depth + dims;
      workgroupBarrier();
      if (is_left) {
        stage_left(job, dims, mat4x4<f32>(value_dims(values.x, d), value_dims(values.y, d), value_dims(values.z, d), value_dims(values.w, d)));
      } else {
        stage_right(job, dims, mat4x4<f32>(d_out_dims(d_outs.x, d), d_out_dims(d_outs.y, d), d_out_dims(d_outs.z, d), d_out_dims(d_outs.w, d)));
      }
      workgroupBarrier();
      add_products(&product, ty, tx);
    }
    for (var c = 0u; c < 4u; c++) { // @unroll
      let delta = row_stats[tx + c * 8u].y;
      let at = (tx + c * 8u) * STRIDE + ty; // written by this thread above, and read by the others before the last barrier
      scores[at] *= (product[c] - delta) * slope[c];
    }
    for (var chunk = 0u; chunk < D_CHUNKS; chunk++) { // @unroll
      for (var stage = 0u; stage < TILE; stage += D_STAGE) {
        workgroupBarrier();
        for (var n = thread; n < D_STAGE * D_PAIR * 8u; n += THREADS) {
          staging[n] = query_dims(row_at[stage + n / (D_PAIR * 8u)] * D, chunk * D_PAIR * 32u + (n % (D_PAIR * 8u)) * 4u);
        }
        workgroupBarrier();
        for (var n = 0u; n < D_STAGE; n++) {
          let weight = scores[(stage + n) * STRIDE + ty];
          for (var pair = 0u; pair < D_PAIR; pair++) { // @unroll
            if ((chunk * D_PAIR + pair) * 32u < D) {
              let right = staging[n * D_PAIR * 8u + pair * 8u + tx];
              for (var c = 0u; c < 4u; c++) { // @unroll
                dk_acc[(chunk * D_PAIR + pair) * 4u + c] += weight[c] * right;
              }
            }
          }
        }
      }
    }
  }

  for (var c = 0u; c < 4u; c++) { // @unroll
    let position = tile_key + ty * 4u + c;
    if (position < params.positions) {
      let head = position * params.Hkv + kv_head;
      let dk_base = params.dk_offset + b * params.dk_batch_stride + head * D;
      for (var n = 0u; n < D_CHUNKS * D_PAIR; n++) { // @unroll
        let column = n * 32u + tx * 4u;
        for (var lane = 0u; lane < 4u; lane++) { // @unroll: registers have no index
          if (column + lane < D) {
            let at = dk_base + column + lane;
            var total = dk_acc[n * 4u + c][lane] * params.scale;
            if (params.accumulate != 0u) {
              total += f32(dk[at]);
            }
            dk[at] = Element(total);
          }
        }
      }
      let dv_base = params.dv_offset + b * params.dv_batch_stride + head * Dv;
      for (var n = 0u; n < V_CHUNKS * V_PAIR; n++) { // @unroll
        let column = n * 32u + tx * 4u;
        for (var lane = 0u; lane < 4u; lane++) { // @unroll: registers have no index
          if (column + lane < Dv) {
            let at = dv_base + column + lane;
            var total = dv_acc[n * 4u + c][lane];
            if (params.accumulate != 0u) {
              total += f32(dv[at]);
            }
            dv[at] = Element(total);
          }
        }
      }
    }
  }
}
