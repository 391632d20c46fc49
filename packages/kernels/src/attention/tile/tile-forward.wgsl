// Flash attention forward by register tiles, for devices without subgroup matrices: out and lse of the sequence source, any D and Dv.
// The G heads that share a key/value head are packed into the rows: row r = (i, g), i = r / G.
//
// One workgroup = 32 packed rows of one (b, kv_head); 8 x 8 threads hold 4 x 4 scores each and walk the keys in blocks of 32.
// q [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], out [B,T,H,Dv]; doc_range i32 [B,T,2]; lse f32 [B,H,T].
// Workgroup memory: 9,472 bytes. Reference: attention-reference.ts; Dao, "FlashAttention-2".

// @interface, bindings from 4
//   alias Element = f32
//   alias Loaded = f32      what is read at once, Element or vec4<Element>
//   const D: u32 = 64u
//   const Dv: u32 = 64u
//   const LOADED: u32 = 1u  elements of it
//   read_write out: array<Element>
//   read_write lse: array<f32>
//   uniform params: Params

// @import { Params, visible_range } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, doc_range } from '../../wgsl/attention/bindings.wgsl'

const LOWEST = -3.0e38;
const FLOOR = -1.0e30; // under every score, above masked ones
const LOG2_E = 1.4426950408889634;
// @import { capped_four } from '../../wgsl/attention/softcap.wgsl'
// @import { THREADS, TILE, QUADS, DEPTH, STRIDE, V_PAIR, V_CHUNKS, staging, scores, query_at, four_queries_at, key_at, four_keys_at, query_dims, key_dims, value_dims, stage_left, stage_right, clear, add_products } from '../../wgsl/attention/register-tile.wgsl'

const V_STAGE = 32u / V_PAIR; // keys of a step of weights times values

var<workgroup> row_first: array<vec4<i32>, QUADS>; // keys [first, end) that four rows see
var<workgroup> row_end: array<vec4<i32>, QUADS>;

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
  if (thread < QUADS) {
    let row = min(vec4<u32>(tile_row + thread * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(n_rows - 1u)) / G;
    let ranges = array<vec2<i32>, 4>(visible_range(b, row.x), visible_range(b, row.y), visible_range(b, row.z), visible_range(b, row.w));
    row_first[thread] = vec4<i32>(ranges[0].x, ranges[1].x, ranges[2].x, ranges[3].x);
    row_end[thread] = vec4<i32>(ranges[0].y, ranges[1].y, ranges[2].y, ranges[3].y);
  }

  // What this thread brings into staging: four dimensions of four rows, or of four keys.
  let dims = (thread % 4u) * 4u;
  let is_left = thread < 32u;
  let job = (thread / 4u) % 8u;
  let queries = four_queries_at(b, kv_head, vec4<u32>(tile_row + job * 4u) + vec4<u32>(0u, 1u, 2u, 3u)) * D;

  // State of the rows: maximum in log2 units, and this thread's part of the sum of weights.
  var maximum = vec4<f32>(LOWEST);
  var sum = vec4<f32>();
  var acc: array<vec4<f32>, V_CHUNKS * V_PAIR * 4u>;
  for (var block = first_block; block < end_block; block++) {
    let first_key = block * i32(TILE);
    let keys = k_base + four_keys_at(kv_head, vec4<i32>(first_key + i32(job)) + vec4<i32>(0, 8, 16, 24)) * D;
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
    for (var c = 0u; c < 4u; c++) { // @unroll
      score[c] = capped_four(score[c] * (params.scale * LOG2_E), LOG2_E);
    }
    if (first_key < seen.x || first_key + i32(TILE) > seen.y) {
      let first = row_first[ty];
      let end = row_end[ty];
      for (var c = 0u; c < 4u; c++) { // @unroll
        let key = vec4<i32>(first_key + i32(tx + c * 8u));
        score[c] = select(vec4<f32>(LOWEST), score[c], (key >= first) & (key < end));
      }
    }
    workgroupBarrier();
    staging[tx * STRIDE + ty] = max(max(score[0], score[1]), max(score[2], score[3]));
    workgroupBarrier();
    var grown = maximum;
    for (var t = 0u; t < 8u; t++) {
      grown = max(grown, staging[t * STRIDE + ty]);
    }
    let rescale = exp2(maximum - grown);
    maximum = grown;
    let base_logit = max(grown, vec4<f32>(FLOOR));
    var added = vec4<f32>();
    for (var c = 0u; c < 4u; c++) { // @unroll
      let weight = exp2(score[c] - base_logit);
      scores[(tx + c * 8u) * STRIDE + ty] = weight;
      added += weight;
    }
    sum = sum * rescale + added;
    for (var n = 0u; n < V_CHUNKS * V_PAIR; n++) { // @unroll
      for (var c = 0u; c < 4u; c++) { // @unroll
        acc[n * 4u + c] *= rescale[c];
      }
    }
    for (var chunk = 0u; chunk < V_CHUNKS; chunk++) { // @unroll
      for (var stage = 0u; stage < TILE; stage += V_STAGE) {
        workgroupBarrier();
        for (var n = thread; n < V_STAGE * V_PAIR * 8u; n += THREADS) {
          let key = key_at(kv_head, first_key + i32(stage + n / (V_PAIR * 8u)));
          staging[n] = value_dims(v_base + key * Dv, chunk * V_PAIR * 32u + (n % (V_PAIR * 8u)) * 4u);
        }
        workgroupBarrier();
        for (var n = 0u; n < V_STAGE; n++) {
          let weight = scores[(stage + n) * STRIDE + ty];
          for (var pair = 0u; pair < V_PAIR; pair++) { // @unroll
            if ((chunk * V_PAIR + pair) * 32u < Dv) {
              let right = staging[n * V_PAIR * 8u + pair * 8u + tx];
              for (var c = 0u; c < 4u; c++) { // @unroll
                acc[(chunk * V_PAIR + pair) * 4u + c] += weight[c] * right;
              }
            }
          }
        }
      }
    }
  }

  workgroupBarrier();
  staging[tx * STRIDE + ty] = sum;
  workgroupBarrier();
  var total = vec4<f32>();
  for (var t = 0u; t < 8u; t++) {
    total += staging[t * STRIDE + ty];
  }
  let inverse = select(vec4<f32>(), 1.0 / total, total > vec4<f32>()); // rows that see no key give 0
  let logs = select(vec4<f32>(params.negative_infinity), (maximum + log2(total)) / LOG2_E, total > vec4<f32>());
  for (var c = 0u; c < 4u; c++) { // @unroll
    let row = tile_row + ty * 4u + c;
    if (row < n_rows) {
      let base = query_at(b, kv_head, row) * Dv;
      if (tx == 0u) {
        lse[(b * params.H + kv_head * G + row % G) * params.T + row / G] = logs[c];
      }
      for (var n = 0u; n < V_CHUNKS * V_PAIR; n++) { // @unroll
        let column = n * 32u + tx * 4u;
        for (var lane = 0u; lane < 4u; lane++) { // @unroll: registers have no index
          if (column + lane < Dv) {
            out[base + column + lane] = Element(acc[n * 4u + c][lane] * inverse[c]);
          }
        }
      }
    }
  }
}
