// Copies a buffer, 16 bytes a thread and step: the bandwidth that a shader can reach.
//
// One workgroup = 256 threads that stride through n_vectors vectors. source, target_: array<vec4<u32>>. Reference: none needed.

// @interface
//   read source: array<vec4<u32>>
//   read_write target_: array<vec4<u32>>
//   uniform params: Params
//     n_vectors: u32,

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var i = id.x; i < params.n_vectors; i += groups.x * 256u) {
    target_[i] = source[i];
  }
}
