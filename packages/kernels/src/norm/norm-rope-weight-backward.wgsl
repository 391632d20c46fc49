// Parts of the weight's gradient in norm-rope.wgsl with all components rotated, summed over `chunk` rows each:
// partial[split, n] = sum of rotated * x * rstd; a second kernel adds the splits in order.
// One workgroup = 64 columns x 4 row lanes of one split. Shapes as in norm-rope-backward.wgsl.
// Workgroup memory: 256 floats = 1 KiB. Reference: norm-reference.ts.

// @interface
//   alias Element = f32
//   read x: array<Element>
//   read positions: array<i32>
//   read rstd: array<f32>
//   read d_out: array<Element>
//   read_write partial: array<f32>  [splits, heads * D]
//   uniform params: Params

// @import { IS_INTERLEAVED } from '../wgsl/norm-rope/switches.wgsl'
// @import { Params, rotated_back, pair_of } from '../wgsl/norm-rope/backward.wgsl'

var<workgroup> part: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = group.y * groups.x + group.x;
  let split = item / params.blocks;
  let N = params.heads * params.D;
  let column = (item % params.blocks) * 64u + lane % 64u;
  let start = column / params.D * params.D;
  let component = column - start;
  let i = select(component % (params.D / 2u), component / 2u, IS_INTERLEAVED);
  let pair = pair_of(i);
  let end = min(params.rows, (split + 1u) * params.chunk);
  var sum = 0.0;
  if (column < N) {
    for (var row = split * params.chunk + lane / 64u; row < end; row += 4u) {
      let in_token = row / params.rows_per_token * params.stride + row % params.rows_per_token * N;
      let gradient = rotated_back(row, start, i, pair);
      let own = select(gradient.y, gradient.x, component == pair.x);
      sum += own * f32(x[params.x_offset + in_token + column]) * rstd[params.rstd_offset + row];
    }
  }
  part[lane] = sum;
  workgroupBarrier();
  if (lane < 64u && column < N) {
    partial[split * N + column] = (part[lane] + part[lane + 64u]) + (part[lane + 128u] + part[lane + 192u]);
  }
}
