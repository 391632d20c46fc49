// Parts of the gradients of weight and bias, summed over `chunk` rows each: partial[split, 0, n] = sum of dOut * n(x),
// partial[split, 1, n] = sum of dOut; a second kernel adds the splits in order.
// One workgroup = 64 columns x 4 row lanes of one split.
// Workgroup memory: 256 pairs of floats = 2 KiB. Reference: norm-reference.ts.

// @interface
//   alias Element = f32
//   override IS_LAYER: bool = false
//   read x: array<Element>          [rows, N]
//   read mean: array<f32>           [rows]
//   read rstd: array<f32>           [rows]
//   read d_out: array<Element>      [rows, N]
//   read_write partial: array<f32>  [splits, 2, N]
//   uniform params: Params
//     rows: u32, N: u32, chunk: u32, blocks: u32,
//     x_offset: u32, mean_offset: u32, rstd_offset: u32, d_out_offset: u32,

var<workgroup> part: array<vec2<f32>, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = group.y * groups.x + group.x;
  let split = item / params.blocks;
  let column = (item % params.blocks) * 64u + lane % 64u;
  let end = min(params.rows, (split + 1u) * params.chunk);
  var sums = vec2<f32>();
  if (column < params.N) {
    for (var row = split * params.chunk + lane / 64u; row < end; row += 4u) {
      let at = row * params.N + column;
      var v = f32(x[params.x_offset + at]);
      if (IS_LAYER) {
        v -= mean[params.mean_offset + row];
      }
      let g = f32(d_out[params.d_out_offset + at]);
      sums += vec2(g * v * rstd[params.rstd_offset + row], g);
    }
  }
  part[lane] = sums;
  workgroupBarrier();
  if (lane < 64u && column < params.N) {
    let total = (part[lane] + part[lane + 64u]) + (part[lane + 128u] + part[lane + 192u]);
    let at = split * 2u * params.N + column;
    partial[at] = total.x;
    partial[at + params.N] = total.y;
  }
}
