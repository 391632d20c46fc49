// Step 1 of the ablation: gradients of the concatenated keys (or values) back to where those came from, rounded to storage.
//
// One workgroup = 64 threads, one element each. all f32 [Hkv, T + T*S, D], sequence [T,Hkv,D], depth [S,T,Hkv,D].
// Reference: concatenate.wgsl, backwards.

// @interface
//   alias Element = f32
//   alias Gradient = f32
//   override D: u32 = 64u
//   read all: array<f32>
//   read_write sequence: array<Element>
//   read_write depth: array<Gradient>
//   uniform params: Params

// @import { Params } from '../wgsl/ablation.wgsl'

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  let N = params.T + params.T * params.S;
  if (index >= params.Hkv * N * D) {
    return;
  }
  let d = index % D;
  let n = (index / D) % N;
  let kv_head = index / (D * N);
  if (n < params.T) {
    sequence[(n * params.Hkv + kv_head) * D + d] = Element(all[index]);
  } else {
    let position = (n - params.T) / params.S;
    let slot = (n - params.T) % params.S;
    depth[((slot * params.T + position) * params.Hkv + kv_head) * D + d] = Gradient(all[index]);
  }
}
