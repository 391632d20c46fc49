// dx = y * (dy - sum(dy * y)); for log-softmax dx = dy - exp(y) * sum(dy). Sums run along the row.
// One workgroup = one row, WIDTH lanes; on the vector path an element is four numbers and N counts elements.
// Workgroup memory: WIDTH floats. Reference: softmax-reference.ts.

// @interface
//   override WIDTH: u32 = 64u
//   override IS_LOG: bool = false
//   read y: array<Element>         [rows, N]
//   read dy: array<Element>        [rows, N]
//   read_write dx: array<Element>  [rows, N]
//   uniform params: Params
//     rows: u32, N: u32, y_offset: u32, dy_offset: u32,
//     dx_offset: u32, unused_0: u32, unused_1: u32, unused_2: u32,

// @import { Element, Value, Bits } from '../wgsl/element.wgsl'
// @import { row_sum } from '../wgsl/row.wgsl'

// e^y, and NaN for NaN whatever the driver's exp makes of it.
fn probability(y: Value) -> Value {
  return select(exp(y), y, (bitcast<Bits>(y) & Bits(0x7fffffffu)) > Bits(0x7f800000u));
}

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) {
    return;
  }
  let first = row * params.N;
  var terms = Value();
  for (var i = lane; i < params.N; i += WIDTH) {
    let gradient = Value(dy[params.dy_offset + first + i]);
    if (IS_LOG) {
      terms += gradient;
    } else {
      terms += gradient * Value(y[params.y_offset + first + i]);
    }
  }
  let sum = row_sum(terms, lane);
  for (var i = lane; i < params.N; i += WIDTH) {
    let gradient = Value(dy[params.dy_offset + first + i]);
    let value = Value(y[params.y_offset + first + i]);
    if (IS_LOG) {
      dx[params.dx_offset + first + i] = Element(gradient - probability(value) * sum);
    } else {
      dx[params.dx_offset + first + i] = Element(value * (gradient - sum));
    }
  }
}
