// out = value everywhere: out is `size` elements from `offset`.
// One workgroup = 256 elements. The value travels as bits, so that NaN and the infinities arrive.
// Workgroup memory: none. Reference: Array.fill.

// @interface
//   alias Element = f32
//   alias Single = f32
//   alias Source = f32
//   read_write out: array<Element>
//   uniform params: Params
//     size: u32, offset: u32, bits: u32, unused: u32,

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * 256u + lane;
  if (i < params.size) {
    out[params.offset + i] = Element(Single(bitcast<Source>(params.bits)));
  }
}
