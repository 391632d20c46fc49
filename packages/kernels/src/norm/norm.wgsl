// RMS norm: out = x * rstd * weight, rstd = 1 / sqrt(mean(x^2) + eps).
// Layer norm: out = (x - mean) * rstd * weight + bias, rstd from the centred squares.
// With a residual, x + residual takes the place of x and is stored in `sum` too.
// One workgroup = one row, WIDTH lanes; on the vector path an element is four numbers and N counts elements.
// x, residual, sum, out: [rows, N]; weight, bias: [N].
// Workgroup memory: WIDTH floats. Reference: norm-reference.ts.

// @interface, bindings from 2
//   override HAS_BIAS: bool = false
//   override HAS_RESIDUAL: bool = false
//   read bias: array<Element>
//   read residual: array<Element>
//   read_write out: array<Element>
//   read_write mean: array<f32>  [rows]
//   read_write rstd: array<f32>  [rows]
//   read_write sum_out: array<Element>
//   uniform params: Params
//     rows: u32, N: u32, eps: f32, unused: u32,
//     x_offset: u32, weight_offset: u32, bias_offset: u32, out_offset: u32,
//     mean_offset: u32, rstd_offset: u32, residual_offset: u32, sum_offset: u32,

// @import { Element, Value } from '../wgsl/element.wgsl'
// @import { LANES, row_sum } from '../wgsl/row.wgsl'
// @import { WIDTH, IS_LAYER, HAS_WEIGHT, x, weight } from '../wgsl/norm.wgsl'

// The normalised input; as it is stored, so that later passes and the backward see the same numbers.
fn input(row: u32, i: u32) -> Value {
  let at = row * params.N + i;
  if (HAS_RESIDUAL) {
    return Value(Element(Value(x[params.x_offset + at]) + Value(residual[params.residual_offset + at])));
  }
  return Value(x[params.x_offset + at]);
}

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) {
    return;
  }
  let count = f32(params.N * LANES);
  var centre = 0.0;
  if (IS_LAYER) {
    var sum = Value();
    for (var i = lane; i < params.N; i += WIDTH) {
      sum += input(row, i);
    }
    centre = row_sum(sum, lane) / count;
  }
  var squares = Value();
  for (var i = lane; i < params.N; i += WIDTH) {
    let v = input(row, i) - centre;
    squares += v * v;
  }
  let scale = 1.0 / sqrt(row_sum(squares, lane) / count + params.eps);
  if (lane == 0u) {
    rstd[params.rstd_offset + row] = scale;
    if (IS_LAYER) {
      mean[params.mean_offset + row] = centre;
    }
  }
  let out_base = params.out_offset + row * params.N;
  for (var i = lane; i < params.N; i += WIDTH) {
    let own = input(row, i);
    if (HAS_RESIDUAL) {
      sum_out[params.sum_offset + row * params.N + i] = Element(own);
    }
    var v = (own - centre) * scale;
    if (HAS_WEIGHT) {
      v *= Value(weight[params.weight_offset + i]);
    }
    if (HAS_BIAS) {
      v += Value(bias[params.bias_offset + i]);
    }
    out[out_base + i] = Element(v);
  }
}
