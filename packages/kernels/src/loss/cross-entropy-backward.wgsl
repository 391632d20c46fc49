// dLogits = dLoss * (exp(logits - largest - log_sum) * (1 + 2 zLoss lse) - onehot(target)); 0 in ignored rows.
// One workgroup = one row; on the vector path an element is four numbers and V counts elements.
// IN_PLACE: logits are d_logits itself (bound to something unread). Workgroup memory: none. Reference: cross-entropy-reference.ts.

// @interface
//   const LANE: Value = Value(0.0)       Which of its element's numbers each is.
//   override IN_PLACE: bool = false
//   read logits: array<Element>          [N, V]
//   read targets: array<i32>             [N]
//   read lse: array<f32>                 [N, 2] (largest logit, log of the sum relative to it)
//   read d_loss: array<f32>              [N]
//   read_write d_logits: array<Element>  [N, V]
//   uniform params: Params
//     N: u32, V: u32, logits_offset: u32, targets_offset: u32,
//     lse_offset: u32, d_loss_offset: u32, d_logits_offset: u32, ignore_index: i32,
//     z_loss: f32, unused_0: u32, unused_1: u32, unused_2: u32,

// @import { Element, Value } from '../wgsl/element.wgsl'
// @import { LANES } from '../wgsl/row.wgsl'

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.N) {
    return;
  }
  let label = targets[params.targets_offset + row];
  let largest = lse[params.lse_offset + 2u * row];
  let log_sum = lse[params.lse_offset + 2u * row + 1u];
  let gradient = d_loss[params.d_loss_offset + row];
  let scale = gradient * (1.0 + 2.0 * params.z_loss * (largest + log_sum));
  let from_row = params.logits_offset + row * params.V;
  let to_row = params.d_logits_offset + row * params.V;
  let place = f32(label);
  for (var i = lane; i < params.V; i += 256u) {
    var value = Value();
    if (label != params.ignore_index) {
      var logit: Value;
      if (IN_PLACE) {
        logit = Value(d_logits[to_row + i]);
      } else {
        logit = Value(logits[from_row + i]);
      }
      value = scale * exp((logit - largest) - log_sum);
      let isLabel = LANE + f32(i * LANES) == Value(place);
      value = select(value, value - gradient, isLabel);
    }
    d_logits[to_row + i] = Element(value);
  }
}
