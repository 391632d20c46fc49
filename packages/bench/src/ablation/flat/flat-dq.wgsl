// Steps 2 and 3 of the ablation: dq_i = scale * sum_n dS[i,n] k_n, dS = p (dOut_i . v_n - delta_i), over the columns that
// flat-forward.wgsl walks, in the same order.
//
// One workgroup = 32 query positions of one head; 8 x 8 threads hold 4 x 4 scores (rows ty + 8r, columns tx + 8c).
// q, d_out, dq [T,H,D]; k, v [T,Hkv,D]; depth_k, depth_v [S,T,Hkv,D]; stats f32 [H,T] of (lse, delta).
// Workgroup memory: 3 * 32 * (D + 4) * 4 + 4224 bytes. Reference: attention-sampler.ts; arXiv 2603.15619, Table 7.

// @interface, bindings from 5
//   alias Element = f32
//   const D: u32 = 64u
//   read d_out: array<Element>
//   read stats: array<vec2<f32>>
//   read_write dq: array<Element>
//   uniform params: Params

// @import { CHUNK_RANGE, TILE, THREADS, WIDTH, STRIDE, CHUNKS, column_at, sees } from '../wgsl/flat-columns.wgsl'
// @import { Params } from '../wgsl/ablation.wgsl'
// @import { q, k, v, depth_k, depth_v } from '../wgsl/flat-bindings.wgsl'

var<workgroup> q_tile: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> d_out_tile: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> key_tile: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> d_scores: array<f32, TILE * 33u>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let head = group.y;
  let kv_head = head / (params.H / params.Hkv);
  let first_row = group.x * TILE;
  let end_row = min(first_row + TILE, params.T);
  let tx = thread % 8u;
  let ty = thread / 8u;
  for (var n = thread; n < TILE * WIDTH; n += THREADS) {
    let base = (min(first_row + n / WIDTH, params.T - 1u) * params.H + head) * D + (n % WIDTH) * 4u;
    q_tile[(n / WIDTH) * STRIDE + n % WIDTH] = vec4<f32>(f32(q[base]), f32(q[base + 1u]), f32(q[base + 2u]), f32(q[base + 3u]));
    d_out_tile[(n / WIDTH) * STRIDE + n % WIDTH] = vec4<f32>(f32(d_out[base]), f32(d_out[base + 1u]), f32(d_out[base + 2u]), f32(d_out[base + 3u]));
  }
  let sequence_blocks = (end_row + TILE - 1u) / TILE;
  let first_depth = select(0u, first_row * params.S / TILE, CHUNK_RANGE);
  let end_depth = (select(params.T, end_row, CHUNK_RANGE) * params.S + TILE - 1u) / TILE;

  var acc: array<vec4<f32>, CHUNKS * 4u>;
  for (var step = 0u; step < sequence_blocks + end_depth - first_depth; step++) {
    let is_depth = step >= sequence_blocks;
    let first_column = select(step, first_depth + step - sequence_blocks, is_depth) * TILE;
    workgroupBarrier();
    for (var n = thread; n < TILE * WIDTH; n += THREADS) {
      let base = column_at(is_depth, first_column + n / WIDTH, kv_head) * D + (n % WIDTH) * 4u;
      var element: vec4<f32>;
      if (is_depth) {
        element = vec4<f32>(f32(depth_v[base]), f32(depth_v[base + 1u]), f32(depth_v[base + 2u]), f32(depth_v[base + 3u]));
      } else {
        element = vec4<f32>(f32(v[base]), f32(v[base + 1u]), f32(v[base + 2u]), f32(v[base + 3u]));
      }
      key_tile[(n / WIDTH) * STRIDE + n % WIDTH] = element;
    }
    workgroupBarrier();
    var score: array<vec4<f32>, 4>;
    var d_weight: array<vec4<f32>, 4>;
    for (var r = 0u; r < 4u; r++) { // @unroll
      score[r] = vec4<f32>();
      d_weight[r] = vec4<f32>();
    }
    for (var w = 0u; w < WIDTH; w++) {
      let right0 = key_tile[tx * STRIDE + w];
      let right1 = key_tile[(tx + 8u) * STRIDE + w];
      let right2 = key_tile[(tx + 16u) * STRIDE + w];
      let right3 = key_tile[(tx + 24u) * STRIDE + w];
      for (var r = 0u; r < 4u; r++) { // @unroll
        let left = d_out_tile[(ty + 8u * r) * STRIDE + w];
        d_weight[r] += vec4<f32>(dot(left, right0), dot(left, right1), dot(left, right2), dot(left, right3));
      }
    }
    workgroupBarrier();
    for (var n = thread; n < TILE * WIDTH; n += THREADS) {
      let base = column_at(is_depth, first_column + n / WIDTH, kv_head) * D + (n % WIDTH) * 4u;
      var element: vec4<f32>;
      if (is_depth) {
        element = vec4<f32>(f32(depth_k[base]), f32(depth_k[base + 1u]), f32(depth_k[base + 2u]), f32(depth_k[base + 3u]));
      } else {
        element = vec4<f32>(f32(k[base]), f32(k[base + 1u]), f32(k[base + 2u]), f32(k[base + 3u]));
      }
      key_tile[(n / WIDTH) * STRIDE + n % WIDTH] = element;
    }
    workgroupBarrier();
    for (var w = 0u; w < WIDTH; w++) {
      let right0 = key_tile[tx * STRIDE + w];
      let right1 = key_tile[(tx + 8u) * STRIDE + w];
      let right2 = key_tile[(tx + 16u) * STRIDE + w];
      let right3 = key_tile[(tx + 24u) * STRIDE + w];
      for (var r = 0u; r < 4u; r++) { // @unroll
        let left = q_tile[(ty + 8u * r) * STRIDE + w];
        score[r] += vec4<f32>(dot(left, right0), dot(left, right1), dot(left, right2), dot(left, right3));
      }
    }
    for (var r = 0u; r < 4u; r++) { // @unroll
      let i = first_row + ty + 8u * r;
      let lse_delta = stats[head * params.T + min(i, params.T - 1u)];
      for (var c = 0u; c < 4u; c++) { // @unroll
        let is_seen = sees(is_depth, first_column + tx + 8u * c, i);
        let weight = select(0.0, exp(score[r][c] * params.scale - lse_delta.x), is_seen);
        d_scores[(ty + 8u * r) * 33u + tx + 8u * c] = weight * (d_weight[r][c] - lse_delta.y);
      }
    }
    workgroupBarrier();
    for (var n = 0u; n < TILE; n++) {
      for (var chunk = 0u; chunk < CHUNKS; chunk++) { // @unroll
        let right = key_tile[n * STRIDE + min(tx + 8u * chunk, WIDTH - 1u)];
        for (var r = 0u; r < 4u; r++) { // @unroll
          acc[chunk * 4u + r] += d_scores[(ty + 8u * r) * 33u + n] * right;
        }
      }
    }
  }

  for (var chunk = 0u; chunk < CHUNKS; chunk++) { // @unroll
    for (var r = 0u; r < 4u; r++) { // @unroll
      let i = first_row + ty + 8u * r;
      let w = tx + 8u * chunk;
      if (i < params.T && w < WIDTH) {
        let value = acc[chunk * 4u + r] * params.scale;
        let base = (i * params.H + head) * D + w * 4u;
        dq[base] = Element(value.x);
        dq[base + 1u] = Element(value.y);
        dq[base + 2u] = Element(value.z);
        dq[base + 3u] = Element(value.w);
      }
    }
  }
}
