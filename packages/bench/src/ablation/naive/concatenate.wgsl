// Step 1 of the ablation, as written without thought for memory: the keys (or values) of a layer and all slots of all positions
// in one array, all[kv_head][n][d]: n < T is the sequence, n = T + p * S + s is slot s of position p.
//
// One workgroup = 64 threads, one element each. sequence [T,Hkv,D], depth [S,T,Hkv,D], all [Hkv, T + T*S, D].
// Reference: the definition above.

// @interface
//   alias Element = f32
//   override D: u32 = 64u
//   read sequence: array<Element>
//   read depth: array<Element>
//   read_write all: array<Element>
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
    all[index] = sequence[(n * params.Hkv + kv_head) * D + d];
  } else {
    let position = (n - params.T) / params.S;
    let slot = (n - params.T) % params.S;
    all[index] = depth[((slot * params.T + position) * params.Hkv + kv_head) * D + d];
  }
}
