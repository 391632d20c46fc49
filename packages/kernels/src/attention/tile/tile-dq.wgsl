// Gradient of the queries by register tiles, for devices without subgroup matrices, through the sequence source: any D and Dv.
//   dq = scale * dS . K,   dS = P * (dOut . V^T - delta),   P = exp(scale * Q . K^T - lse)
// Rows are packed as in tile-forward.wgsl.
//
// One workgroup = 32 packed rows of one (b, kv_head); 8 x 8 threads hold 4 x 4 scores each and walk the keys in blocks of 32.
// q, dq [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], d_out [B,T,H,Dv]; doc_range i32 [B,T,2]; stats f32 [B,H,T] of (lse, delta).
// Workgroup memory: 9,216 bytes. Reference: attention-reference.ts; Dao, "FlashAttention-2".

// @interface, bindings from 6
//   alias Element = f32
//   alias Loaded = f32      what is read at once, Element or vec4<Element>
//   const D: u32 = 64u
//   const Dv: u32 = 64u
//   const LOADED: u32 = 1u  elements of it
//   read_write dq: array<Element>
//   uniform params: Params

// @import { Params, visible_range } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, doc_range, d_out, stats } from '../../wgsl/attention/bindings.wgsl'

const LOG2_E = 1.4426950408889634;
// @import { capped_four, cap_slope_four } from '../../wgsl/attention/softcap.wgsl'
// @import { THREADS, TILE, DEPTH, STRIDE, D_PAIR, D_CHUNKS, staging, scores, query_at, four_queries_at, key_at, four_keys_at, query_dims, d_out_dims, key_dims, value_dims, stage_left, stage_right, clear, add_products } from '../../wgsl/attention/register-tile.wgsl'

const D_STAGE = 32u / D_PAIR; // keys of a step of score gradients times keys

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let G = params.H / params.Hkv;
  let kv_head = group.y % params.Hkv;
  let b = group.y / params.Hkv;
  let tile_row = (groups.x - 1u - group.x) * TILE; // causal: the longest rows first
  let n_rows = params.T * G;
  let tx = thread % 8u;
  let ty = thread / 8u;
  let k_base = params.k_offset + b * params.k_batch_stride;
  let v_base = params.v_offset + b * params.v_batch_stride;

  // Both ends of visible_range() grow with the row: the first and the last row bound the tile, and every row sees keys [seen.x, seen.y).
  let first_range = visible_range(b, tile_row / G);
  let last_range = visible_range(b, (min(tile_row + TILE, n_rows) - 1u) / G);
  let seen = vec2<i32>(last_range.x, first_range.y);
  let first_block = first_range.x / i32(TILE);
  let end_block = (last_range.y + i32(TILE) - 1) / i32(TILE);

  // This thread's rows: the keys that they see, lse in log2 units, delta.
  var first: vec4<i32>;
  var end: vec4<i32>;
  var lse: vec4<f32>;
  var delta: vec4<f32>;
  for (var c = 0u; c < 4u; c++) { // @unroll
    let row = min(tile_row + ty * 4u + c, n_rows - 1u);
    let range = visible_range(b, row / G);
    let lse_delta = stats[(b * params.H + kv_head * G + row % G) * params.T + row / G];
    first[c] = range.x;
    end[c] = range.y;
    lse[c] = lse_delta.x * LOG2_E;
    delta[c] = lse_delta.y;
  }

  // What this thread brings into staging: four dimensions of four rows, or of four keys.
  let dims = (thread % 4u) * 4u;
  let is_left = thread < 32u;
  let job = (thread / 4u) % 8u;
  let rows = four_queries_at(b, kv_head, vec4<u32>(tile_row + job * 4u) + vec4<u32>(0u, 1u, 2u, 3u));
  let queries = rows * D;
  let d_outs = rows * Dv;

  var acc: array<vec4<f32>, D_CHUNKS * D_PAIR * 4u>;
  for (var block = first_block; block < end_block; block++) {
    let first_key = block * i32(TILE);
    let key_rows = four_keys_at(kv_head, vec4<i32>(first_key + i32(job)) + vec4<i32>(0, 8, 16, 24));
    let keys = k_base + key_rows * D;
    let values = v_base + key_rows * Dv;
    var score: array<vec4<f32>, 4>;
    clear(&score);
    for (var depth = 0u; depth < D; depth += DEPTH) {
      let d = depth + dims;
      workgroupBarrier();
      if (is_left) {
        stage_left(job, dims, mat4x4<f32>(query_dims(queries.x, d), query_dims(queries.y, d), query_dims(queries.z, d), query_dims(queries.w, d)));
      } else {
        stage_right(job, dims, mat4x4<f32>(key_dims(keys.x, d), key_dims(keys.y, d), key_dims(keys.z, d), key_dims(keys.w, d)));
      }
      workgroupBarrier();
      add_products(&score, ty, tx);
    }
    var d_weight: array<vec4<f32>, 4>;
    clear(&d_weight);
    for (var depth = 0u; depth < Dv; depth += DEPTH) {
      let d = depth + dims;
      workgroupBarrier();
      if (is_left) {
        stage_left(job, dims, mat4x4<f32>(d_out_dims(d_outs.x, d), d_out_dims(d_outs.y, d), d_out_dims(d_outs.z, d), d_out_dims(d_outs.w, d)));
      } else {
        stage_right(job, dims, mat4x4<f32>(value_dims(values.x, d), value_dims(values.y, d), value_dims(values.z, d), value_dims(values.w, d)));
      }
      workgroupBarrier();
      add_products(&d_weight, ty, tx);
    }
    let all_seen = first_key >= seen.x && first_key + i32(TILE) <= seen.y;
    for (var c = 0u; c < 4u; c++) { // @unroll
      let key = vec4<i32>(first_key + i32(tx + c * 8u));
      let sees = (key >= first) & (key < end);
      let logit = capped_four(score[c] * params.scale, 1.0);
      var weight = exp2(logit * LOG2_E - lse);
      if (!all_seen) {
        weight = select(vec4<f32>(), weight, sees);
      }
      scores[(tx + c * 8u) * STRIDE + ty] = weight * (d_weight[c] - delta) * cap_slope_four(logit, 1.0);
    }
    for (var chunk = 0u; chunk < D_CHUNKS; chunk++) { // @unroll
      for (var stage = 0u; stage < TILE; stage += D_STAGE) {
        workgroupBarrier();
        for (var n = thread; n < D_STAGE * D_PAIR * 8u; n += THREADS) {
          let key = key_at(kv_head, first_key + i32(stage + n / (D_PAIR * 8u)));
          staging[n] = key_dims(k_base + key * D, chunk * D_PAIR * 32u + (n % (D_PAIR * 8u)) * 4u);
        }
        workgroupBarrier();
        for (var n = 0u; n < D_STAGE; n++) {
          let weight = scores[(stage + n) * STRIDE + ty];
          for (var pair = 0u; pair < D_PAIR; pair++) { // @unroll
            if ((chunk * D_PAIR + pair) * 32u < D) {
              let right = staging[n * D_PAIR * 8u + pair * 8u + tx];
              for (var c = 0u; c < 4u; c++) { // @unroll
                acc[(chunk * D_PAIR + pair) * 4u + c] += weight[c] * right;
              }
            }
          }
        }
      }
    }
  }

  for (var c = 0u; c < 4u; c++) { // @unroll
    let row = tile_row + ty * 4u + c;
    if (row < n_rows) {
      let base = query_at(b, kv_head, row) * D;
      for (var n = 0u; n < D_CHUNKS * D_PAIR; n++) { // @unroll
        let column = n * 32u + tx * 4u;
        for (var lane = 0u; lane < 4u; lane++) { // @unroll: registers have no index
          if (column + lane < D) {
            dq[base + column + lane] = Element(acc[n * 4u + c][lane] * params.scale);
          }
        }
      }
    }
  }
}
