// Query and key path in one pass: out = rope(x * rstd * weight), rstd = 1 / sqrt(mean(x^2) + eps) over a row of `heads` heads.
// With HAS_VALUES, x holds values behind the keys of each token, which are copied: a depth slot from its projection.
// One workgroup = THREADS / LANES rows, LANES lanes each, one rotated pair or copied component a step.
// x: [tokens, H, D], a token every `stride` numbers; out, v: [tokens, H, D] (may be a depth slot); weight: [heads * D];
// positions: [tokens] i32; rstd: [rows] f32; rows = tokens * H / heads: heads = H normalises all heads together (OLMo 2),
// heads = 1 each alone (Qwen 3); without HAS_NORM nothing is normalised.
// Workgroup memory: THREADS floats. Reference: norm-reference.ts, then the rotation of rope.wgsl.

// @interface, bindings from 3
//   alias Element = f32
//   override THREADS: u32 = 128u
//   override LANES: u32 = 32u
//   read_write out: array<Element>
//   read_write rstd: array<f32>
//   read_write v: array<Element>
//   uniform params: Params

// @import { HAS_NORM, HAS_WEIGHT, HAS_VALUES, IS_INTERLEAVED } from '../wgsl/norm-rope/switches.wgsl'
// @import { Params } from '../wgsl/norm-rope/forward.wgsl'
// @import { x, weight, positions } from '../wgsl/norm-rope/element-bindings.wgsl'

var<workgroup> part: array<f32, THREADS>;

// @import { rotation_of } from '../wgsl/rotation.wgsl'

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let index = (group.y * groups.x + group.x) * (THREADS / LANES) + thread / LANES;
  let is_row = index < params.rows;
  let row = min(index, params.rows - 1u);
  let N = params.heads * params.D;
  let token = row / params.rows_per_token;
  let from_row = params.x_offset + token * params.stride + row % params.rows_per_token * N;
  let to_row = params.out_offset + row * N;
  var scale = 1.0;
  if (HAS_NORM) {
    var squares = 0.0;
    for (var i = lane; i < N; i += LANES) {
      let value = f32(x[from_row + i]);
      squares += value * value;
    }
    part[thread] = squares;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half) {
        part[thread] += part[thread + half];
      }
    }
    workgroupBarrier();
    scale = 1.0 / sqrt(part[thread - lane] / f32(N) + params.eps);
    if (is_row && lane == 0u) {
      rstd[params.rstd_offset + row] = scale;
    }
  }
  if (!is_row) {
    return;
  }
  let position = f32(positions[params.positions_offset + token]);
  let pairs = params.rotary_dim / 2u;
  let per_head = params.D - pairs;
  for (var item = lane; item < params.heads * per_head; item += LANES) {
    let start = item / per_head * params.D;
    let i = item % per_head;
    var left = i;
    var right = i + pairs;
    if (IS_INTERLEAVED && i < pairs) {
      left = 2u * i;
      right = left + 1u;
    }
    // Beyond the pairs only `right` is a component: it is copied.
    var b = f32(x[from_row + start + right]) * scale;
    if (HAS_WEIGHT) {
      b *= f32(weight[params.weight_offset + start + right]);
    }
    if (i >= pairs) {
      out[to_row + start + right] = Element(b);
      continue;
    }
    var a = f32(x[from_row + start + left]) * scale;
    if (HAS_WEIGHT) {
      a *= f32(weight[params.weight_offset + start + left]);
    }
    let rotation = rotation_of(position * params.frequencies[i / 4u][i % 4u]);
    out[to_row + start + left] = Element(a * rotation.x - b * rotation.y);
    out[to_row + start + right] = Element(a * rotation.y + b * rotation.x);
  }
  if (HAS_VALUES) {
    let from_values = from_row + params.rows_per_token * N;
    for (var i = lane; i < N; i += LANES) {
      v[params.v_offset + row * N + i] = x[from_values + i];
    }
  }
}
