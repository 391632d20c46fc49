// norm-rope-backward.wgsl and the parts of norm-rope-weight-backward.wgsl in one pass, for f16 rows that start at 16 bytes, halves
// apart: 16 bytes a load and a store. With n = x * rstd, t the gradient rotated back and g = t * weight:
//   dx = rstd * (g - n * mean(g * n)), without HAS_NORM dx = t;   with HAS_WEIGHT_GRADIENT partial[workgroup] = sum over rows of t * n.
// One workgroup = `chunk` times THREADS / LANES rows; one lane = 8 pairs of a head, all its loads in flight at once.
// Shapes as in norm-rope-backward.wgsl, as 8 halves an element; stride and the offsets of x, weight, d_out, d_v and dx count
// elements. Workgroup memory: 9 * THREADS floats with the weight's gradient, else THREADS.
// Reference: norm-reference.ts.

// @interface, bindings from 3
//   override THREADS: u32 = 256u
//   override LANES: u32 = 4u
//   override HAS_WEIGHT_GRADIENT: bool = false
//   override PARTS: u32 = 2304u
//   read rstd: array<f32>
//   read d_out: array<vec4<u32>>
//   read d_v: array<vec4<u32>>
//   read_write dx: array<vec4<u32>>
//   read_write partial: array<f32>  [workgroups, heads * D]
//   uniform params: Params

// @import { HAS_NORM, HAS_WEIGHT, HAS_VALUES } from '../wgsl/norm-rope/switches.wgsl'

// @import { Params } from '../wgsl/norm-rope/backward.wgsl'
// @import { x, weight, positions } from '../wgsl/norm-rope/halves-bindings.wgsl'

var<workgroup> part: array<f32, PARTS>;

// @import { rotations_of } from '../wgsl/rotation.wgsl'
// @import { low_of, high_of, element_of } from '../wgsl/halves.wgsl'

// Adds 8 columns of each lane (of the left or the right half) over the workgroup's rows, in a fixed order, and stores them.
fn store_columns(low: vec4<f32>, high: vec4<f32>, first_column: u32, first_out: u32, thread: u32) {
  let columns = 8u * LANES;
  workgroupBarrier();
  for (var j = 0u; j < 4u; j++) {
    part[thread * 9u + j] = low[j];
    part[thread * 9u + 4u + j] = high[j];
  }
  workgroupBarrier();
  let per_head = params.D / 16u;
  if (columns >= THREADS) {
    for (var column = thread; column < columns; column += THREADS) {
      var sum = 0.0;
      for (var row = 0u; row < THREADS / LANES; row++) {
        sum += part[(row * LANES + column / 8u) * 9u + column % 8u];
      }
      let owner = column / 8u;
      if (owner < params.heads * per_head) {
        partial[first_out + owner / per_head * params.D + first_column + owner % per_head * 8u + column % 8u] = sum;
      }
    }
  } else {
    // THREADS / columns threads share a column, 8 rows each.
    let column = thread % columns;
    let owner = column / 8u;
    var sum = 0.0;
    for (var row = 0u; row < 8u; row++) {
      sum += part[((thread / columns * 8u + row) * LANES + owner) * 9u + column % 8u];
    }
    workgroupBarrier();
    part[thread] = sum;
    workgroupBarrier();
    if (thread < columns && owner < params.heads * per_head) {
      var total = 0.0;
      for (var at = thread; at < THREADS; at += columns) {
        total += part[at];
      }
      partial[first_out + owner / per_head * params.D + first_column + owner % per_head * 8u + column % 8u] = total;
    }
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let workgroup = group.y * groups.x + group.x;
  let per_head = params.D / 16u; // lanes of a head, and elements of its left half
  let lanes = params.heads * per_head;
  let own = min(lane, lanes - 1u);
  let left = own / per_head * (2u * per_head) + own % per_head;
  let right = left + per_head;
  let width = 2u * lanes; // elements of a row
  let pairs = own % per_head * 2u;
  var w_left_low = vec4(1.0);
  var w_left_high = vec4(1.0);
  var w_right_low = vec4(1.0);
  var w_right_high = vec4(1.0);
  if (HAS_WEIGHT) {
    let w_left = weight[params.weight_offset + left];
    let w_right = weight[params.weight_offset + right];
    w_left_low = low_of(w_left);
    w_left_high = high_of(w_left);
    w_right_low = low_of(w_right);
    w_right_high = high_of(w_right);
  }
  var sum_left_low = vec4(0.0);
  var sum_left_high = vec4(0.0);
  var sum_right_low = vec4(0.0);
  var sum_right_high = vec4(0.0);
  let chunk = params.chunk;
  for (var block = 0u; block < chunk; block++) {
    let index = (workgroup * chunk + block) * (THREADS / LANES) + thread / LANES;
    let is_active = index < params.rows && lane < lanes;
    let row = min(index, params.rows - 1u);
    let token = row / params.rows_per_token;
    let in_token = token * params.stride + row % params.rows_per_token * width;
    let from_row = params.d_out_offset + row * width;
    let d_left = d_out[from_row + left];
    let d_right = d_out[from_row + right];
    var v_left: vec4<u32>;
    var v_right: vec4<u32>;
    if (HAS_VALUES) {
      v_left = d_v[params.d_v_offset + row * width + left];
      v_right = d_v[params.d_v_offset + row * width + right];
    }
    var x_left: vec4<u32>;
    var x_right: vec4<u32>;
    var scale = 1.0;
    if (HAS_NORM) {
      x_left = x[params.x_offset + in_token + left];
      x_right = x[params.x_offset + in_token + right];
      scale = rstd[params.rstd_offset + row];
    }
    let position = f32(positions[params.positions_offset + token]);
    let low = rotations_of(position * params.frequencies[pairs]);
    let high = rotations_of(position * params.frequencies[pairs + 1u]);
    var a_low = low_of(d_left) * low.cosine + low_of(d_right) * low.sine;
    var a_high = high_of(d_left) * high.cosine + high_of(d_right) * high.sine;
    var b_low = low_of(d_right) * low.cosine - low_of(d_left) * low.sine;
    var b_high = high_of(d_right) * high.cosine - high_of(d_left) * high.sine;
    if (HAS_NORM) {
      let n_left_low = low_of(x_left) * scale;
      let n_left_high = high_of(x_left) * scale;
      let n_right_low = low_of(x_right) * scale;
      let n_right_high = high_of(x_right) * scale;
      if (HAS_WEIGHT_GRADIENT && is_active) {
        sum_left_low += a_low * n_left_low;
        sum_left_high += a_high * n_left_high;
        sum_right_low += b_low * n_right_low;
        sum_right_high += b_high * n_right_high;
      }
      a_low *= w_left_low;
      a_high *= w_left_high;
      b_low *= w_right_low;
      b_high *= w_right_high;
      let product = (dot(a_low, n_left_low) + dot(a_high, n_left_high)) + (dot(b_low, n_right_low) + dot(b_high, n_right_high));
      workgroupBarrier();
      part[thread] = select(0.0, product, lane < lanes);
      for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
          part[thread] += part[thread + half];
        }
      }
      workgroupBarrier();
      let mean = part[thread - lane] / f32(params.heads * params.D);
      a_low = scale * (a_low - n_left_low * mean);
      a_high = scale * (a_high - n_left_high * mean);
      b_low = scale * (b_low - n_right_low * mean);
      b_high = scale * (b_high - n_right_high * mean);
    }
    if (is_active) {
      let to_row = params.dx_offset + in_token;
      dx[to_row + left] = element_of(a_low, a_high);
      dx[to_row + right] = element_of(b_low, b_high);
      if (HAS_VALUES) {
        let to_values = to_row + params.rows_per_token * width;
        dx[to_values + left] = v_left;
        dx[to_values + right] = v_right;
      }
    }
  }
  if (HAS_WEIGHT_GRADIENT) {
    let first_out = workgroup * params.heads * params.D;
    store_columns(sum_left_low, sum_left_high, 0u, first_out, thread);
    store_columns(sum_right_low, sum_right_high, params.D / 2u, first_out, thread);
  }
}
