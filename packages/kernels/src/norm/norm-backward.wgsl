// dx of both norms. With n = (x - mean) * rstd and g = dOut * weight:
// dx = rstd * (g - n * mean(g * n)), for layer norm also minus mean(g) inside the bracket (mean of x is 0 in RMS norm).
// With ACCUMULATE, dx is what x has from elsewhere plus that; the sum is rounded once.
// One workgroup = one row, WIDTH lanes; on the vector path an element is four numbers and N counts elements.
// x, d_out, dx: [rows, N]; weight: [N]; mean, rstd: [rows] f32.
// Workgroup memory: WIDTH pairs of floats. Reference: norm-reference.ts.

// @interface, bindings from 6
//   uniform params: Params
//     rows: u32, N: u32, x_offset: u32, weight_offset: u32,
//     mean_offset: u32, rstd_offset: u32, d_out_offset: u32, dx_offset: u32,

// @import { Element, Value } from '../wgsl/element.wgsl'
// @import { LANES, SPREAD } from '../wgsl/row.wgsl'
// @import { WIDTH, IS_LAYER, HAS_WEIGHT, ACCUMULATE, x, weight, mean, rstd, d_out, dx, row_sums } from '../wgsl/norm.wgsl'

fn gradient(row: u32, i: u32) -> Value {
  let g = Value(d_out[params.d_out_offset + row * params.N + i]);
  if (HAS_WEIGHT) {
    return g * Value(weight[params.weight_offset + i]);
  }
  return g;
}

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) {
    return;
  }
  let base = params.x_offset + row * params.N;
  let scale = rstd[params.rstd_offset + row];
  var centre = 0.0;
  if (IS_LAYER) {
    centre = mean[params.mean_offset + row];
  }
  var g_sum = Value();
  var gn_sum = Value();
  for (var i = lane; i < params.N; i += WIDTH) {
    let g = gradient(row, i);
    g_sum += g;
    gn_sum += g * (Value(x[base + i]) - centre) * scale;
  }
  let sums = row_sums(vec2(dot(vec4<f32>(g_sum), SPREAD), dot(vec4<f32>(gn_sum), SPREAD)), lane);
  var means = sums / f32(params.N * LANES);
  if (!IS_LAYER) {
    means.x = 0.0;
  }
  for (var i = lane; i < params.N; i += WIDTH) {
    let n = (Value(x[base + i]) - centre) * scale;
    let at = params.dx_offset + row * params.N + i;
    var own = scale * (gradient(row, i) - means.x - n * means.y);
    if (ACCUMULATE) {
      own += Value(dx[at]);
    }
    dx[at] = Element(own);
  }
}
