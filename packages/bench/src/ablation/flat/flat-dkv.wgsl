// Steps 2 and 3 of the ablation: gradients of keys and values, of the sequence or (IS_DEPTH) of the flattened depth stream, column
// m = p * S + s being slot s of position p:
//   dv_n = sum_i p_in dOut_i,   dk_n = scale * sum_i p_in (dOut_i . v_n - delta_i) q_i, over the rows of all heads of the group.
// Step 2 walks every row tile and masks; with CHUNK_RANGE (step 3) a depth tile walks only the row tiles of its own positions.
//
// One workgroup = 32 columns of one key/value head; 8 x 8 threads hold 4 x 4 scores (columns ty + 8r, rows tx + 8c).
// q, d_out [T,H,D]; k, v, dk, dv [T,Hkv,D] or [S,T,Hkv,D]; stats f32 [H,T] of (lse, delta).
// Workgroup memory: 3 * 32 * (D + 4) * 4 + 4224 bytes. Reference: attention-sampler.ts; arXiv 2603.15619, Table 7.

// @interface
//   alias Element = f32
//   alias Gradient = f32
//   const D: u32 = 64u
//   override IS_DEPTH: bool = false
//   read q: array<Element>
//   read k: array<Element>
//   read v: array<Element>
//   read d_out: array<Element>
//   read stats: array<vec2<f32>>
//   read_write dk: array<Gradient>
//   read_write dv: array<Gradient>
//   uniform params: Params

// @import { CHUNK_RANGE, TILE, THREADS, WIDTH, STRIDE, CHUNKS } from '../wgsl/flat-columns.wgsl'

// @import { Params } from '../wgsl/ablation.wgsl'

var<workgroup> k_tile: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> v_tile: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> row_tile: array<vec4<f32>, TILE * STRIDE>;
var<workgroup> weights: array<f32, TILE * 33u>; // then dS

fn n_columns() -> u32 {
  return select(params.T, params.T * params.S, IS_DEPTH);
}

// Where a column's key starts, in heads; columns beyond the last repeat it.
fn column_at(column: u32, kv_head: u32) -> u32 {
  let m = min(column, n_columns() - 1u);
  if (IS_DEPTH) {
    return ((m % params.S) * params.T + m / params.S) * params.Hkv + kv_head;
  }
  return m * params.Hkv + kv_head;
}

fn sees(column: u32, i: u32) -> bool {
  if (IS_DEPTH) {
    return i < params.T && column / params.S == i;
  }
  return i < params.T && column <= i;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let G = params.H / params.Hkv;
  let kv_head = group.y;
  let first_column = group.x * TILE;
  let tx = thread % 8u;
  let ty = thread / 8u;
  for (var n = thread; n < TILE * WIDTH; n += THREADS) {
    let base = column_at(first_column + n / WIDTH, kv_head) * D + (n % WIDTH) * 4u;
    k_tile[(n / WIDTH) * STRIDE + n % WIDTH] = vec4<f32>(f32(k[base]), f32(k[base + 1u]), f32(k[base + 2u]), f32(k[base + 3u]));
    v_tile[(n / WIDTH) * STRIDE + n % WIDTH] = vec4<f32>(f32(v[base]), f32(v[base + 1u]), f32(v[base + 2u]), f32(v[base + 3u]));
  }
  var first_tile = 0u;
  var end_tile = (params.T + TILE - 1u) / TILE;
  if (!IS_DEPTH) {
    first_tile = first_column / TILE;
  } else if (CHUNK_RANGE) {
    first_tile = first_column / params.S / TILE;
    end_tile = (min(first_column + TILE, n_columns()) - 1u) / params.S / TILE + 1u;
  }
  let tiles = end_tile - first_tile;

  var dk_acc: array<vec4<f32>, CHUNKS * 4u>;
  var dv_acc: array<vec4<f32>, CHUNKS * 4u>;
  for (var step = 0u; step < tiles * G; step++) {
    let head = kv_head * G + step / tiles;
    let first_row = (first_tile + step % tiles) * TILE;
    workgroupBarrier();
    for (var n = thread; n < TILE * WIDTH; n += THREADS) {
      let base = (min(first_row + n / WIDTH, params.T - 1u) * params.H + head) * D + (n % WIDTH) * 4u;
      row_tile[(n / WIDTH) * STRIDE + n % WIDTH] = vec4<f32>(f32(q[base]), f32(q[base + 1u]), f32(q[base + 2u]), f32(q[base + 3u]));
    }
    workgroupBarrier();
    var score: array<vec4<f32>, 4>;
    var d_weight: array<vec4<f32>, 4>;
    for (var r = 0u; r < 4u; r++) { // @unroll
      score[r] = vec4<f32>();
      d_weight[r] = vec4<f32>();
    }
    for (var w = 0u; w < WIDTH; w++) {
      let right0 = row_tile[tx * STRIDE + w];
      let right1 = row_tile[(tx + 8u) * STRIDE + w];
      let right2 = row_tile[(tx + 16u) * STRIDE + w];
      let right3 = row_tile[(tx + 24u) * STRIDE + w];
      for (var r = 0u; r < 4u; r++) { // @unroll
        let left = k_tile[(ty + 8u * r) * STRIDE + w];
        score[r] += vec4<f32>(dot(left, right0), dot(left, right1), dot(left, right2), dot(left, right3));
      }
    }
    workgroupBarrier();
    for (var n = thread; n < TILE * WIDTH; n += THREADS) {
      let base = (min(first_row + n / WIDTH, params.T - 1u) * params.H + head) * D + (n % WIDTH) * 4u;
      row_tile[(n / WIDTH) * STRIDE + n % WIDTH] = vec4<f32>(f32(d_out[base]), f32(d_out[base + 1u]), f32(d_out[base + 2u]), f32(d_out[base + 3u]));
    }
    workgroupBarrier();
    for (var w = 0u; w < WIDTH; w++) {
      let right0 = row_tile[tx * STRIDE + w];
      let right1 = row_tile[(tx + 8u) * STRIDE + w];
      let right2 = row_tile[(tx + 16u) * STRIDE + w];
      let right3 = row_tile[(tx + 24u) * STRIDE + w];
      for (var r = 0u; r < 4u; r++) { // @unroll
        let left = v_tile[(ty + 8u * r) * STRIDE + w];
        d_weight[r] += vec4<f32>(dot(left, right0), dot(left, right1), dot(left, right2), dot(left, right3));
      }
    }
    for (var c = 0u; c < 4u; c++) { // @unroll
      let i = first_row + tx + 8u * c;
      let lse_delta = stats[head * params.T + min(i, params.T - 1u)];
      for (var r = 0u; r < 4u; r++) { // @unroll
        let is_seen = sees(first_column + ty + 8u * r, i);
        let weight = select(0.0, exp(score[r][c] * params.scale - lse_delta.x), is_seen);
        weights[(ty + 8u * r) * 33u + tx + 8u * c] = weight;
        score[r][c] = weight * (d_weight[r][c] - lse_delta.y);
      }
    }
    workgroupBarrier();
    for (var n = 0u; n < TILE; n++) {
      for (var chunk = 0u; chunk < CHUNKS; chunk++) { // @unroll
        let right = row_tile[n * STRIDE + min(tx + 8u * chunk, WIDTH - 1u)];
        for (var r = 0u; r < 4u; r++) { // @unroll
          dv_acc[chunk * 4u + r] += weights[(ty + 8u * r) * 33u + n] * right;
        }
      }
    }
    workgroupBarrier();
    for (var r = 0u; r < 4u; r++) { // @unroll
      for (var c = 0u; c < 4u; c++) { // @unroll
        weights[(ty + 8u * r) * 33u + tx + 8u * c] = score[r][c];
      }
    }
    for (var n = thread; n < TILE * WIDTH; n += THREADS) {
      let base = (min(first_row + n / WIDTH, params.T - 1u) * params.H + head) * D + (n % WIDTH) * 4u;
      row_tile[(n / WIDTH) * STRIDE + n % WIDTH] = vec4<f32>(f32(q[base]), f32(q[base + 1u]), f32(q[base + 2u]), f32(q[base + 3u]));
    }
    workgroupBarrier();
    for (var n = 0u; n < TILE; n++) {
      for (var chunk = 0u; chunk < CHUNKS; chunk++) { // @unroll
        let right = row_tile[n * STRIDE + min(tx + 8u * chunk, WIDTH - 1u)];
        for (var r = 0u; r < 4u; r++) { // @unroll
          dk_acc[chunk * 4u + r] += weights[(ty + 8u * r) * 33u + n] * right;
        }
      }
    }
  }

  for (var chunk = 0u; chunk < CHUNKS; chunk++) { // @unroll
    for (var r = 0u; r < 4u; r++) { // @unroll
      let column = first_column + ty + 8u * r;
      let w = tx + 8u * chunk;
      if (column < n_columns() && w < WIDTH) {
        let base = column_at(column, kv_head) * D + w * 4u;
        let dk_value = dk_acc[chunk * 4u + r] * params.scale;
        let dv_value = dv_acc[chunk * 4u + r];
        dk[base] = Gradient(dk_value.x);
        dk[base + 1u] = Gradient(dk_value.y);
        dk[base + 2u] = Gradient(dk_value.z);
        dk[base + 3u] = Gradient(dk_value.w);
        dv[base] = Gradient(dv_value.x);
        dv[base + 1u] = Gradient(dv_value.y);
        dv[base + 2u] = Gradient(dv_value.z);
        dv[base + 3u] = Gradient(dv_value.w);
      }
    }
  }
}
