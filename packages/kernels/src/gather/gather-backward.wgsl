// dx[r, n, :] = sum of dOut[r, j, :] over the positions j with index[j] = n, ascending j. dx was cleared before, or is added to.
// One workgroup = 64 columns of one position that is the first of its chain; the others leave at once.
// Workgroup memory: none. Reference: gather-reference.ts.

// @interface
//   alias Gradient = f32
//   alias Output = f32
//   alias Sum = f32
//   override ACCUMULATE: bool = false  dx holds gradients from elsewhere.
//   read d_out: array<Gradient>        [R, J, I]
//   read index: array<i32>             [J]
//   read links: array<u32>             [J] of gather-links
//   read_write dx: array<Output>       [R, N, I]
//   uniform params: Params
//     R: u32, N: u32, I: u32, J: u32,
//     d_out_offset: u32, index_offset: u32, dx_offset: u32, blocks: u32,

const FIRST = 0x80000000u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = group.y * groups.x + group.x;
  let column = (item % params.blocks) * 64u + lane;
  let row = item / params.blocks;
  let r = row / params.J;
  let j = row % params.J;
  if (r >= params.R || column >= params.I || (links[j] & FIRST) == 0u) {
    return;
  }
  var sum = Sum(0);
  for (var at = j; at < params.J; at = links[at] & ~FIRST) {
    sum += Sum(d_out[params.d_out_offset + (r * params.J + at) * params.I + column]);
  }
  let n = u32(index[params.index_offset + j]);
  let to = params.dx_offset + (r * params.N + n) * params.I + column;
  if (ACCUMULATE) {
    sum += Sum(dx[to]);
  }
  dx[to] = Output(sum);
}
