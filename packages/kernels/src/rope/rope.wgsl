// Rotary embedding: pairs of the first `rotary_dim` components are rotated by position * frequency; the rest is copied.
// One workgroup = 256 pairs or copied components.
// Frequencies theta^(-2i/rotary_dim), negative to rotate back, come from the host, for exp2 and log2 of a device are not exact enough.
// Workgroup memory: none. Reference: rope-reference.ts.

// @interface
//   alias Element = f32
//   override IS_INTERLEAVED: bool = false
//   read x: array<Element>          [tokens, H, D]
//   read positions: array<i32>      [tokens]
//   read_write out: array<Element>  [tokens, H, D]
//   uniform params: Params
//     tokens: u32, H: u32, D: u32, rotary_dim: u32,
//     x_offset: u32, positions_offset: u32, out_offset: u32, unused: u32,
//     frequencies: array<vec4<f32>, 64>,

// @import { rotation_of } from '../wgsl/rotation.wgsl'

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let pairs = params.rotary_dim / 2u;
  let per_head = params.D - pairs;
  let item = (group.y * groups.x + group.x) * 256u + lane;
  let head = item / per_head;
  let i = item % per_head;
  let token = head / params.H;
  if (token >= params.tokens) {
    return;
  }
  let from_head = params.x_offset + head * params.D;
  let to_head = params.out_offset + head * params.D;
  if (i >= pairs) {
    out[to_head + pairs + i] = x[from_head + pairs + i];
    return;
  }
  var left = i;
  var right = i + pairs;
  if (IS_INTERLEAVED) {
    left = 2u * i;
    right = left + 1u;
  }
  let angle = f32(positions[params.positions_offset + token]) * params.frequencies[i / 4u][i % 4u];
  let rotation = rotation_of(angle);
  let a = f32(x[from_head + left]);
  let b = f32(x[from_head + right]);
  out[to_head + left] = Element(a * rotation.x - b * rotation.y);
  out[to_head + right] = Element(a * rotation.y + b * rotation.x);
}
