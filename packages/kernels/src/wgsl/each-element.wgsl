// The entry point of kernels in which every thread computes one element of strided views: 256 elements a workgroup.
// Expects of the importer: compute_element(item, at), the override RANK, the binding params with the fields of strided.wgsl.

// @import { strided_offsets } from './strided.wgsl'

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = (group.y * groups.x + group.x) * 256u + lane;
  if (item >= params.size) {
    return;
  }
  compute_element(item, strided_offsets(item));
}
