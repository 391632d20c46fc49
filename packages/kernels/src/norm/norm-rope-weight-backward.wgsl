// Parts of the weight's gradient in norm-rope.wgsl with all components rotated, summed over `chunk` rows each:
// partial[split, n] = sum of turned * x * rstd; a second kernel adds the splits in order.
// One workgroup = 64 columns x 4 row lanes of one split. Shapes as in norm-rope-backward.wgsl; partial: [splits, heads * D] f32.
// Workgroup memory: 256 floats = 1 KiB. Reference: norm-reference.ts.

alias Element = f32; // @specialize

override IS_INTERLEAVED: bool = false;

struct Params {
  rows: u32,
  heads: u32,
  D: u32,
  rows_per_token: u32,
  stride: u32,
  x_offset: u32,
  weight_offset: u32,
  positions_offset: u32,
  rstd_offset: u32,
  d_out_offset: u32,
  d_v_offset: u32,
  dx_offset: u32,
  chunk: u32,
  blocks: u32,
  unused_0: u32,
  unused_1: u32,
  frequencies: array<vec4<f32>, 64>,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> positions: array<i32>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read> d_out: array<Element>;
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> part: array<f32, 256>;

fn turn(angle: f32) -> vec2<f32> {
  let turns = round(angle * 0.6366197723675814);
  let r = ((angle - turns * 1.5703125) - turns * 4.837512969970703e-4) - turns * 7.549789954891882e-8;
  let s = r * r;
  let sine = r + r * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4));
  let cosine = 1.0 - 0.5 * s + s * s * (4.166664568298827e-2 + s * (-1.388731625493765e-3 + s * 2.443315711809948e-5));
  switch u32(i32(turns)) & 3u {
    case 0u: { return vec2(cosine, sine); }
    case 1u: { return vec2(-sine, cosine); }
    case 2u: { return vec2(-cosine, -sine); }
    default: { return vec2(sine, -cosine); }
  }
}

// The gradient of a pair before it was turned: the turn by the negative angle.
fn turned_back(row: u32, start: u32, i: u32, pair: vec2<u32>) -> vec2<f32> {
  let at = params.d_out_offset + row * params.heads * params.D + start;
  let a = f32(d_out[at + pair.x]);
  let b = f32(d_out[at + pair.y]);
  let position = f32(positions[params.positions_offset + row / params.rows_per_token]);
  let turned = turn(position * params.frequencies[i / 4u][i % 4u]);
  return vec2(a * turned.x + b * turned.y, b * turned.x - a * turned.y);
}

// Components of pair i of a head.
fn pair_of(i: u32) -> vec2<u32> {
  if (IS_INTERLEAVED) {
    return vec2(2u * i, 2u * i + 1u);
  }
  return vec2(i, i + params.D / 2u);
}

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
      let turned = turned_back(row, start, i, pair);
      let own = select(turned.y, turned.x, component == pair.x);
      sum += own * f32(x[params.x_offset + in_token + column]) * rstd[params.rstd_offset + row];
    }
  }
  part[lane] = sum;
  workgroupBarrier();
  if (lane < 64u && column < N) {
    partial[split * N + column] = (part[lane] + part[lane + 64u]) + (part[lane + 128u] + part[lane + 192u]);
  }
}
