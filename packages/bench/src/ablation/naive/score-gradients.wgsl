// Step 1 of the ablation: gradients of one head's scores: dS[i,n] = weights[i,n] * (dOut_i . v_n - delta_i).
//
// One workgroup = 64 threads, one element each. d_out [T,H,D], values [Hkv, T + T*S, D], stats f32 [H,T] of (lse, delta),
// weights, d_scores f32 [T, T + T*S]. Reference: attention-sampler.ts.
alias Element = f32; // @specialize

override D: u32 = 64u;

// @import { Params } from '../wgsl/ablation.wgsl'

@group(0) @binding(0) var<storage, read> d_out: array<Element>;
@group(0) @binding(1) var<storage, read> values: array<Element>;
@group(0) @binding(2) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_scores: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

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
