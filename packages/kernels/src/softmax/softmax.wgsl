// out[r, :] = softmax(x[r, :]), or log-softmax. A row of -Inf gives 0 (log: -Inf).
// One workgroup = one row, WIDTH lanes; on the vector path an element is four numbers and N counts elements.
// Workgroup memory: WIDTH floats. Reference: softmax-reference.ts.

// @interface
//   override WIDTH: u32 = 64u
//   override IS_LOG: bool = false
//   read x: array<Element>          [rows, N]
//   read_write out: array<Element>  [rows, N]
//   uniform params: Params
//     rows: u32, N: u32, offset: u32, out_offset: u32,

// @import { Element, Value, Bits } from '../wgsl/element.wgsl'
// @import { LOWEST, row_largest, row_sum } from '../wgsl/row.wgsl'

// e^d, and NaN for NaN whatever the driver's exp makes of it.
fn exponential(d: Value) -> Value {
  return select(exp(d), d, (bitcast<Bits>(d) & Bits(0x7fffffffu)) > Bits(0x7f800000u));
}

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) {
    return;
  }
  let base = params.offset + row * params.N;
  // Starting at the lowest finite number keeps -Inf - -Inf from happening.
  var highest = Value(LOWEST);
  for (var i = lane; i < params.N; i += WIDTH) {
    highest = max(highest, Value(x[base + i]));
  }
  let largest = row_largest(highest, lane);
  var exps = Value();
  for (var i = lane; i < params.N; i += WIDTH) {
    exps += exponential(Value(x[base + i]) - largest);
  }
  let sum = row_sum(exps, lane);

  let out_base = params.out_offset + row * params.N;
  let scale = select(1.0 / sum, 0.0, sum == 0.0);
  let isNumber = (bitcast<u32>(sum) & 0x7fffffffu) <= 0x7f800000u;
  let log_sum = select(sum, select(log(sum), 0.0, sum == 0.0), isNumber);
  for (var i = lane; i < params.N; i += WIDTH) {
    let v = Value(x[base + i]) - largest;
    if (IS_LOG) {
      out[out_base + i] = Element(v - log_sum);
    } else {
      out[out_base + i] = Element(exp(v) * scale);
    }
  }
}
