// norm-rope.wgsl for f16 rows that start at 16 bytes, all components rotated, halves apart: 16 bytes a load and a store.
// One workgroup = THREADS / LANES rows; one lane = 8 pairs of a head, all its loads in flight at once; lanes beyond the row's idle.
// Shapes as in norm-rope.wgsl, as 8 halves an element; stride and the offsets of x, weight, out and v count elements.
// Workgroup memory: THREADS floats. Reference: norm-reference.ts, then the rotation of rope.wgsl.

// @interface, bindings from 3
//   override THREADS: u32 = 256u
//   override LANES: u32 = 4u
//   read_write out: array<vec4<u32>>
//   read_write rstd: array<f32>
//   read_write v: array<vec4<u32>>
//   uniform params: Params

// @import { HAS_NORM, HAS_WEIGHT, HAS_VALUES } from '../wgsl/norm-rope/switches.wgsl'
// @import { Params } from '../wgsl/norm-rope/forward.wgsl'
// @import { x, weight, positions } from '../wgsl/norm-rope/halves-bindings.wgsl'

var<workgroup> part: array<f32, THREADS>;

// @import { rotations_of } from '../wgsl/rotation.wgsl'
// @import { low_of, high_of, element_of } from '../wgsl/halves.wgsl'

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let index = (group.y * groups.x + group.x) * (THREADS / LANES) + thread / LANES;
  let per_head = params.D / 16u; // lanes of a head, and elements of its left half
  let lanes = params.heads * per_head;
  let is_active = index < params.rows && lane < lanes;
  let row = min(index, params.rows - 1u);
  let own = min(lane, lanes - 1u);
  let token = row / params.rows_per_token;
  let left = own / per_head * (2u * per_head) + own % per_head;
  let right = left + per_head;
  let width = 2u * lanes; // elements of a row
  let from_row = params.x_offset + token * params.stride + row % params.rows_per_token * width;
  let x_left = x[from_row + left];
  let x_right = x[from_row + right];
  var v_left: vec4<u32>;
  var v_right: vec4<u32>;
  if (HAS_VALUES) {
    v_left = x[from_row + params.rows_per_token * width + left];
    v_right = x[from_row + params.rows_per_token * width + right];
  }
  let position = f32(positions[params.positions_offset + token]);
  var a_low = low_of(x_left);
  var a_high = high_of(x_left);
  var b_low = low_of(x_right);
  var b_high = high_of(x_right);
  if (HAS_WEIGHT) {
    let w_left = weight[params.weight_offset + left];
    let w_right = weight[params.weight_offset + right];
    a_low *= low_of(w_left);
    a_high *= high_of(w_left);
    b_low *= low_of(w_right);
    b_high *= high_of(w_right);
  }
  if (HAS_NORM) {
    let plain = array(low_of(x_left), high_of(x_left), low_of(x_right), high_of(x_right));
    let squares = (dot(plain[0], plain[0]) + dot(plain[1], plain[1])) + (dot(plain[2], plain[2]) + dot(plain[3], plain[3]));
    part[thread] = select(0.0, squares, lane < lanes);
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half) {
        part[thread] += part[thread + half];
      }
    }
    workgroupBarrier();
    let scale = 1.0 / sqrt(part[thread - lane] / f32(params.heads * params.D) + params.eps);
    if (is_active && lane == 0u) {
      rstd[params.rstd_offset + row] = scale;
    }
    a_low *= scale;
    a_high *= scale;
    b_low *= scale;
    b_high *= scale;
  }
  if (!is_active) {
    return;
  }
  let pairs = own % per_head * 2u;
  let low = rotations_of(position * params.frequencies[pairs]);
  let high = rotations_of(position * params.frequencies[pairs + 1u]);
  let to_row = row * width;
  out[params.out_offset + to_row + left] = element_of(a_low * low.cosine - b_low * low.sine, a_high * high.cosine - b_high * high.sine);
  out[params.out_offset + to_row + right] = element_of(a_low * low.sine + b_low * low.cosine, a_high * high.sine + b_high * high.cosine);
  if (HAS_VALUES) {
    v[params.v_offset + to_row + left] = v_left;
    v[params.v_offset + to_row + right] = v_right;
  }
}
