
// @interface
//   read_write scores: array<f32>
//   read_write lse: array<f32>
//   uniform params: Params

// @import { Params } from '../wgsl/ablation.wgsl'

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x;
  if (i >= params.T) {
    return;
  }
  let N = params.T + params.T * params.S;
  var maximum = -3.0e38;
  for (var n = 0u; n < N; n++) {
    maximum = max(maximum, scores[i * N + n]);
  }
  var sum = 0.0;
  for (var n = 0u; n < N; n++) {
    let weight = exp(scores[i * N + n] - maximum);
    scores[i * N + n] = weight;
    sum += weight;
  }
  for (var n = 0u; n < N; n++) {
    scores[i * N + n] /= sum;
  }
  lse[params.head * params.T + i] = maximum + log(sum);
}
