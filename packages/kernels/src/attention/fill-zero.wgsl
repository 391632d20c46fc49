// Sets `count` elements from `first` on to zero: the gradient of slots that are not in use.
//
// One thread = one element. target_elements: any shape. No workgroup memory. Reference: TypedArray.fill.

// @interface
//   alias Element = f32
//   read_write target_elements: array<Element>
//   uniform params: Params
//     first: u32, count: u32,

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * THREADS + thread;
  if (index < params.count) {
    target_elements[params.first + index] = Element(0);
  }
}
