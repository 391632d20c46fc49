// out = x with the element type converted; both are any strided views of the same shape (0 strides of x broadcast).
// One workgroup = 256 elements; on the vector path an element is four numbers along the innermost dimension.
// x: up to six dimensions; out: the same shape. To integers: truncated; f32 to f16: rounded to nearest even.
// Workgroup memory: none. Reference: Math.trunc, Math.fround and test/half.ts.

alias Input = f32; // @specialize
alias Output = f32; // @specialize

override RANK: u32 = 1u;

// @import { Params, strided_offsets } from '../wgsl/strided.wgsl'

@group(0) @binding(0) var<storage, read> x: array<Input>;
@group(0) @binding(1) var<storage, read_write> out: array<Output>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = (group.y * groups.x + group.x) * 256u + lane;
  if (item >= params.size) {
    return;
  }
  let at = strided_offsets(item);
  out[at.w] = Output(x[at.x]);
}
