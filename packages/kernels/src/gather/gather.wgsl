// out[r, j, :] = x[r, index[j], :]; an index outside 0..N-1 gives `missing` (NaN for floats).
// One workgroup = 256 elements; on the vector path an element is four numbers.
// An embedding is R = 1, N = V, I = C. Workgroup memory: none. Reference: gather-reference.ts.

// @interface
//   alias Element = f32
//   alias Single = f32
//   alias Source = f32
//   read x: array<Element>          [R, N, I]
//   read index: array<i32>          [J]
//   read_write out: array<Element>  [R, J, I]
//   uniform params: Params
//     R: u32, N: u32, I: u32, J: u32,
//     x_offset: u32, index_offset: u32, out_offset: u32, missing: u32,

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = (group.y * groups.x + group.x) * 256u + lane;
  if (item >= params.R * params.J * params.I) {
    return;
  }
  let row = item / params.I;
  let r = row / params.J;
  let n = index[params.index_offset + row % params.J];
  var value = Element(Single(bitcast<Source>(params.missing)));
  if (n >= 0 && u32(n) < params.N) {
    value = x[params.x_offset + (r * params.N + u32(n)) * params.I + item % params.I];
  }
  out[params.out_offset + item] = value;
}
