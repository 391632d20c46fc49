// out = value everywhere: out is `size` elements from `offset`.
// One workgroup = 256 elements. The value travels as bits, so that NaN and the infinities arrive.
// Workgroup memory: none. Reference: Array.fill.

alias Element = f32; // @specialize
alias Single = f32; // @specialize
alias Source = f32; // @specialize

struct Params {
  size: u32, offset: u32, bits: u32, unused: u32,
}

@group(0) @binding(0) var<storage, read_write> out: array<Element>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * 256u + lane;
  if (i < params.size) {
    out[params.offset + i] = Element(Single(bitcast<Source>(params.bits)));
  }
}
