// Steps 2 and 3 of the ablation: flash attention over the sequence and the flattened depth stream, column m = p * S + s being
// slot s of position p, on one running softmax. Step 2 walks all columns and masks; with CHUNK_RANGE (step 3) a row tile walks only
// the columns of its own positions, and masks inside them. Heads of a group are not packed: that is step 4.
//
// One workgroup = 32 query positions of one head; 8 x 8 threads hold 4 x 4 scores (rows ty + 8r, columns tx + 8c).
// q, out [T,H,D]; k, v [T,Hkv,D]; depth_k, depth_v [S,T,Hkv,D]; lse f32 [H,T].
// Workgroup memory: 2 * 32 * (D + 4) * 4 + 4352 bytes. Reference: attention-sampler.ts; arXiv 2603.15619, Table 7.

// @interface, bindings from 5
//   alias Element = f32
//   const D: u32 = 64u
//   read_write out: array<Element>
//   read_write lse: array<f32>
//   uniform params: Params

// @import { CHUNK_RANGE, TILE, THREADS, WIDTH, STRIDE, CHUNKS, column_at, sees } from '../wgsl/flat-columns.wgsl'
// @import { Params } from '../wgsl/ablation.wgsl'
// @import { q, k, v, depth_k, depth_v } from '../wgsl/flat-bindings.wgsl'

const LOWEST = -3.0e38;
const FLOOR = -1.0e30; // under every score, above masked ones

var<workgroup> q_tile: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> key_tile: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> scores: array<f32, TILE * 33u>; // then weights
var<workgroup> row_scale: array<f32, TILE>;

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
  }
  let sequence_blocks = (end_row + TILE - 1u) / TILE;
  let first_depth = select(0u, first_row * params.S / TILE, CHUNK_RANGE);
  let end_depth = (select(params.T, end_row, CHUNK_RANGE) * params.S + TILE - 1u) / TILE;

  // State of the row of each of the first 32 threads.
  var maximum = LOWEST;
  var sum = 0.0;
  var acc: array<vec4<f32>, CHUNKS * 4u>;
  for (var step = 0u; step < sequence_blocks + end_depth - first_depth; step++) {
    let is_depth = step >= sequence_blocks;
    let first_column = select(step, first_depth + step - sequence_blocks, is_depth) * TILE;
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
    var score: array<vec4<f32>, 4>;
    for (var r = 0u; r < 4u; r++) { // @unroll
      score[r] = vec4<f32>();
    }
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
      for (var c = 0u; c < 4u; c++) { // @unroll
        let is_seen = sees(is_depth, first_column + tx + 8u * c, first_row + ty + 8u * r);
        scores[(ty + 8u * r) * 33u + tx + 8u * c] = select(LOWEST, score[r][c] * params.scale, is_seen);
      }
    }
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
    if (thread < TILE) {
      var grown = maximum;
      for (var n = 0u; n < TILE; n++) {
        grown = max(grown, scores[thread * 33u + n]);
      }
      let rescale = exp(maximum - grown);
      maximum = grown;
      var added = 0.0;
      for (var n = 0u; n < TILE; n++) {
        let weight = exp(scores[thread * 33u + n] - max(grown, FLOOR));
        scores[thread * 33u + n] = weight;
        added += weight;
      }
      sum = sum * rescale + added;
      row_scale[thread] = rescale;
    }
    workgroupBarrier();
    for (var r = 0u; r < 4u; r++) { // @unroll
      let rescale = row_scale[ty + 8u * r];
      for (var chunk = 0u; chunk < CHUNKS; chunk++) { // @unroll
        acc[chunk * 4u + r] *= rescale;
      }
    }
    for (var n = 0u; n < TILE; n++) {
      for (var chunk = 0u; chunk < CHUNKS; chunk++) { // @unroll
        let right = key_tile[n * STRIDE + min(tx + 8u * chunk, WIDTH - 1u)];
        for (var r = 0u; r < 4u; r++) { // @unroll
          acc[chunk * 4u + r] += scores[(ty + 8u * r) * 33u + n] * right;
        }
      }
    }
  }

  workgroupBarrier();
  if (thread < TILE && first_row + thread < params.T) {
    row_scale[thread] = 1.0 / sum; // causal: every row sees itself
    lse[head * params.T + first_row + thread] = maximum + log(sum);
  }
  workgroupBarrier();
  for (var chunk = 0u; chunk < CHUNKS; chunk++) { // @unroll
    for (var r = 0u; r < 4u; r++) { // @unroll
      let i = first_row + ty + 8u * r;
      let w = tx + 8u * chunk;
      if (i < params.T && w < WIDTH) {
        let value = acc[chunk * 4u + r] * row_scale[ty + 8u * r];
        let base = (i * params.H + head) * D + w * 4u;
        out[base] = Element(value.x);
        out[base + 1u] = Element(value.y);
        out[base + 2u] = Element(value.z);
        out[base + 3u] = Element(value.w);
      }
    }
  }
}
