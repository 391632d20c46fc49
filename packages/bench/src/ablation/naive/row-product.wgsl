// Step 1 of the ablation: out_i = scale * sum_n left[i,n] * rows_n for one head: the output (left = weights, rows = values) and
// dq (left = dS, rows = keys).
//
// One workgroup = 64 threads, one element of out each. left f32 [T, T + T*S], rows [Hkv, T + T*S, D], out [T,H,D].
// Reference: attention-sampler.ts.

// @interface
//   alias Element = f32
//   override D: u32 = 64u
//   read left: array<f32>
//   read rows: array<Element>
//   read_write out: array<Element>
//   uniform params: Params

// @import { Params } from '../wgsl/ablation.wgsl'

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= params.T * D) {
    return;
  }
  let i = index / D;
  let d = index % D;
  let N = params.T + params.T * params.S;
  let base = (params.head / (params.H / params.Hkv)) * N * D + d;
  var sum = 0.0;
  for (var n = 0u; n < N; n++) {
    sum += left[i * N + n] * f32(rows[base + n * D]);
  }
  out[(i * params.H + params.head) * D + d] = Element(sum * params.scale);
}
