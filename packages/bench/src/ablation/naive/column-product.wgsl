// Step 1 of the ablation: sums over the queries of one head for every concatenated key, added up over the heads of a group:
//   all_n (+)= scale * sum_i left[i,n] * rows_i: dK (left = dS, rows = q) and dV (left = weights, rows = dOut).
//
// One workgroup = 64 threads, one element of all each. left f32 [T, T + T*S], rows [T,H,D], all f32 [Hkv, T + T*S, D].
// Reference: attention-sampler.ts.

// @interface
//   alias Element = f32
//   override D: u32 = 64u
//   read left: array<f32>
//   read rows: array<Element>
//   read_write all: array<f32>
//   uniform params: Params

// @import { Params } from '../wgsl/ablation.wgsl'

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  let N = params.T + params.T * params.S;
  if (index >= N * D) {
    return;
  }
  let n = index / D;
  let d = index % D;
  var sum = 0.0;
  for (var i = 0u; i < params.T; i++) {
    sum += left[i * N + n] * f32(rows[(i * params.H + params.head) * D + d]);
  }
  let at = (params.head / (params.H / params.Hkv)) * N * D + index;
  if (params.is_first == 0u) {
    all[at] += sum * params.scale;
  } else {
    all[at] = sum * params.scale;
  }
}
