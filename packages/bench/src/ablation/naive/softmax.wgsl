// Step 1 of the ablation: softmax of each row of one head's scores in place, and its log-sum-exp.
//
// One workgroup = 64 threads, one row each. scores f32 [T, T + T*S], lse f32 [H,T]. Reference: attention-sampler.ts.
struct Params {
  T: u32, H: u32, Hkv: u32, S: u32,
  head: u32, scale: f32, is_first: u32, pad: u32,
}

@group(0) @binding(0) var<storage, read_write> scores: array<f32>;
@group(0) @binding(1) var<storage, read_write> lse: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

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
