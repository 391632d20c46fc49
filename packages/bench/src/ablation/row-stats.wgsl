// What the backward passes of the ablation's steps need of every query row: (lse, delta), delta = dOut_i . out_i.
//
// One workgroup = 64 threads, one row each. out, d_out [T,H,D], lse f32 [H,T], stats f32 [H,T] of (lse, delta).
// Reference: attention-sampler.ts.

// @interface
//   alias Element = f32
//   override D: u32 = 64u
//   read out: array<Element>
//   read d_out: array<Element>
//   read lse: array<f32>
//   read_write stats: array<vec2<f32>>
//   uniform params: Params
//     T: u32, H: u32, Hkv: u32, S: u32,
//     head: u32, scale: f32, is_first: u32, pad: u32,

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = (group.y * groups.x + group.x) * 64u + thread; // i * H + h
  if (row >= params.T * params.H) {
    return;
  }
  var delta = 0.0;
  for (var d = 0u; d < D; d++) {
    delta += f32(out[row * D + d]) * f32(d_out[row * D + d]);
  }
  let at = (row % params.H) * params.T + row / params.H;
  stats[at] = vec2<f32>(lse[at], delta);
}
