// dx of norm-rope.wgsl with all components rotated: d_out is rotated back, then goes through the norm. With n = x * rstd and
// g = rotated * weight: dx = rstd * (g - n * mean(g * n)); without HAS_NORM dx is the rotated gradient.
// With HAS_VALUES the gradients d_v of the values behind the keys are put behind them in dx.
// One workgroup = THREADS / LANES rows, LANES lanes each, one pair a step.
// x, dx: [tokens, H, D], a token every `stride` numbers; d_out, d_v: [tokens, H, D]; weight: [heads * D]; positions: [tokens] i32.
// Workgroup memory: THREADS floats. Reference: norm-reference.ts.

// @interface, bindings from 3
//   alias Element = f32
//   override THREADS: u32 = 128u
//   override LANES: u32 = 32u
//   read rstd: array<f32>  [rows]
//   read d_out: array<Element>
//   read d_v: array<Element>
//   read_write dx: array<Element>
//   uniform params: Params

// @import { HAS_NORM, HAS_WEIGHT, HAS_VALUES, IS_INTERLEAVED } from '../wgsl/norm-rope/switches.wgsl'
// @import { Params, rotated_back, pair_of } from '../wgsl/norm-rope/backward.wgsl'
// @import { x, weight, positions } from '../wgsl/norm-rope/element-bindings.wgsl'

var<workgroup> part: array<f32, THREADS>;

fn weight_of(start: u32, pair: vec2<u32>) -> vec2<f32> {
  if (!HAS_WEIGHT) {
    return vec2(1.0);
  }
  let at = params.weight_offset + start;
  return vec2(f32(weight[at + pair.x]), f32(weight[at + pair.y]));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let index = (group.y * groups.x + group.x) * (THREADS / LANES) + thread / LANES;
  let is_row = index < params.rows;
  let row = min(index, params.rows - 1u);
  let N = params.heads * params.D;
  let in_token = row / params.rows_per_token * params.stride + row % params.rows_per_token * N;
  let from_row = params.x_offset + in_token;
  let to_row = params.dx_offset + in_token;
  let pairs = params.D / 2u;
  var scale = 1.0;
  var mean = 0.0;
  if (HAS_NORM) {
    scale = rstd[params.rstd_offset + row];
    var sum = 0.0;
    for (var item = lane; item < params.heads * pairs; item += LANES) {
      let start = item / pairs * params.D;
      let pair = pair_of(item % pairs);
      let g = rotated_back(row, start, item % pairs, pair) * weight_of(start, pair);
      sum += dot(g, vec2(f32(x[from_row + start + pair.x]), f32(x[from_row + start + pair.y])) * scale);
    }
    part[thread] = sum;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half) {
        part[thread] += part[thread + half];
      }
    }
    workgroupBarrier();
    mean = part[thread - lane] / f32(N);
  }
  if (!is_row) {
    return;
  }
  for (var item = lane; item < params.heads * pairs; item += LANES) {
    let start = item / pairs * params.D;
    let pair = pair_of(item % pairs);
    var g = rotated_back(row, start, item % pairs, pair);
    if (HAS_NORM) {
      let n = vec2(f32(x[from_row + start + pair.x]), f32(x[from_row + start + pair.y])) * scale;
      g = scale * (g * weight_of(start, pair) - n * mean);
    }
    dx[to_row + start + pair.x] = Element(g.x);
    dx[to_row + start + pair.y] = Element(g.y);
  }
  if (HAS_VALUES) {
    let to_values = to_row + params.rows_per_token * N;
    for (var i = lane; i < N; i += LANES) {
      dx[to_values + i] = d_v[params.d_v_offset + row * N + i];
    }
  }
}
