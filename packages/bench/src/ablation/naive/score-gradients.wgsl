// Step 1 of the ablation: gradients of one head's scores: dS[i,n] = weights[i,n] * (dOut_i . v_n - delta_i).
//
// One workgroup = 64 threads, one element each. d_out [T,H,D], values [Hkv, T + T*S, D], stats f32 [H,T] of (lse, delta),
// weights, d_scores f32 [T, T + T*S]. Reference: attention-sampler.ts.

// @interface
//   alias Element = f32
//   override D: u32 = 64u
//   read d_out: array<Element>
//   read values: array<Element>
//   read stats: array<vec2<f32>>
//   read weights: array<f32>
//   read_write d_scores: array<f32>
//   uniform params: Params

// @import { Params } from '../wgsl/ablation.wgsl'

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  let N = params.T + params.T * params.S;
  if (index >= params.T * N) {
    return;
  }
  let i = index / N;
  let n = index % N;
  let row = (i * params.H + params.head) * D;
  let value = ((params.head / (params.H / params.Hkv)) * N + n) * D;
  var d_weight = 0.0;
  for (var d = 0u; d < D; d++) {
    d_weight += f32(d_out[row + d]) * f32(values[value + d]);
  }
  d_scores[index] = weights[index] * (d_weight - stats[params.head * params.T + i].y);
}
