// loss[n] = lse - logits[n, target] + zLoss * lse^2 with lse = log sum exp(logits[n, :]); 0 where target is the ignored index.
// lse[n] = (largest logit, log of the sum of exponentials relative to it): their sum would drown the second beside large logits.
// A target outside 0..V-1 that is not ignored gives NaN.
// One workgroup = one row; on the vector path an element is four numbers and V counts elements.
// Workgroup memory: 256 floats = 1 KiB. Reference: cross-entropy-reference.ts.

// @interface
//   read logits: array<Element>  [N, V]
//   read targets: array<i32>     [N]
//   read_write loss: array<f32>  [N]
//   read_write lse: array<f32>   [N, 2]
//   uniform params: Params
//     N: u32, V: u32, logits_offset: u32, targets_offset: u32,
//     loss_offset: u32, lse_offset: u32, ignore_index: i32, z_loss: f32,

// @import { Element, Value } from '../wgsl/element.wgsl'
// @import { LANES, LOWEST, row_largest, row_sum } from '../wgsl/row.wgsl'

const WIDTH = 256u;

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.N) {
    return;
  }
  let base = params.logits_offset + row * params.V;
  var highest = Value(LOWEST);
  for (var i = lane; i < params.V; i += WIDTH) {
    highest = max(highest, Value(logits[base + i]));
  }
  let largest = row_largest(highest, lane);
  var exps = Value();
  for (var i = lane; i < params.V; i += WIDTH) {
    exps += exp(Value(logits[base + i]) - largest);
  }
  let sum = row_sum(exps, lane);
  if (lane != 0u) {
    return;
  }
  let log_sum = log(sum);
  let total = largest + log_sum;
  lse[params.lse_offset + 2u * row] = largest;
  lse[params.lse_offset + 2u * row + 1u] = log_sum;
  let label = targets[params.targets_offset + row];
  var value = 0.0;
  if (label != params.ignore_index) {
    var absent = 0x7fc00000u;
    value = bitcast<f32>(absent);
    if (label >= 0 && u32(label) < params.V * LANES) {
      let element = vec4<f32>(Value(logits[base + u32(label) / LANES]));
      value = log_sum - (element[u32(label) % LANES] - largest) + params.z_loss * total * total;
    }
  }
  loss[params.loss_offset + row] = value;
}
