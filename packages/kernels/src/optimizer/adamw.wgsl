// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, p -= lr (m / c1 / (sqrt(v / c2) + eps) + weightDecay p), g = grad * scale.
// A scale that is NaN or infinite leaves everything unchanged.
// One workgroup = 256 elements; on the vector path an element is four numbers.
// Workgroup memory: none. Reference: adamw-reference.ts.

// @interface
//   alias Gradient = f32
//   alias Value = f32
//   override HAS_SCALE: bool = false
//   read grad: array<Gradient>      [size] f32 or f16
//   read scale: array<f32>          [1]
//   read_write param: array<Value>  [size] f32
//   read_write m: array<Value>      [size] f32
//   read_write v: array<Value>      [size] f32
//   uniform params: Params
//     size: u32, param_offset: u32, grad_offset: u32, m_offset: u32,
//     v_offset: u32, scale_offset: u32, lr: f32, beta1: f32,
//     beta2: f32, one_minus_beta1: f32, one_minus_beta2: f32, eps: f32,
//     weight_decay: f32, bias_correction1: f32, bias_correction2: f32, unused: u32,

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * 256u + lane;
  if (i >= params.size) {
    return;
  }
  var g = Value(grad[params.grad_offset + i]);
  if (HAS_SCALE) {
    let factor = scale[params.scale_offset];
    if ((bitcast<u32>(factor) & 0x7f800000u) == 0x7f800000u) {
      return;
    }
    g *= factor;
  }
  let first = params.beta1 * m[params.m_offset + i] + params.one_minus_beta1 * g;
  let second = params.beta2 * v[params.v_offset + i] + params.one_minus_beta2 * (g * g);
  m[params.m_offset + i] = first;
  v[params.v_offset + i] = second;
  let direction = first / params.bias_correction1 / (sqrt(second / params.bias_correction2) + params.eps);
  let value = param[params.param_offset + i];
  param[params.param_offset + i] = value - params.lr * (direction + params.weight_decay * value);
}
