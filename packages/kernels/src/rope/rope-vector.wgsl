// rope.wgsl for f16 heads that start at 16 bytes, all components rotated, halves apart: 16 bytes a load and a store. Of one tensor, or
// of two at the same positions: queries and keys.
// One workgroup = 256 lanes; one lane = 8 pairs of a head, both its loads in flight at once.
// Workgroup memory: none. Reference: rope-reference.ts.

// @interface
//   override HAS_SECOND: bool = false
//   read x: array<vec4<u32>>            [tokens, H, D]
//   read positions: array<i32>          [tokens]
//   read_write out: array<vec4<u32>>    [tokens, H, D]
//   read y: array<vec4<u32>>            [tokens, H_y, D], as 8 halves an element, which their offsets count
//   read_write out_y: array<vec4<u32>>  [tokens, H_y, D], as 8 halves an element, which their offsets count
//   uniform params: Params
//     tokens: u32, H: u32, D: u32, x_offset: u32,
//     positions_offset: u32, out_offset: u32, H_y: u32, y_offset: u32,
//     out_y_offset: u32, unused_0: u32, unused_1: u32, unused_2: u32,
//     frequencies: array<vec4<f32>, 64>,

// @import { rotations_of } from '../wgsl/rotation.wgsl'

// 8 left components of a head and the 8 right ones of the same pairs.
struct Pairs {
  left: vec4<u32>,
  right: vec4<u32>,
}

// @import { low_of, high_of, element_of } from '../wgsl/halves.wgsl'

fn rotated(pairs: Pairs, token: u32, own: u32) -> Pairs {
  let position = f32(positions[params.positions_offset + token]);
  let low = rotations_of(position * params.frequencies[2u * own]);
  let high = rotations_of(position * params.frequencies[2u * own + 1u]);
  let a_low = low_of(pairs.left);
  let a_high = high_of(pairs.left);
  let b_low = low_of(pairs.right);
  let b_high = high_of(pairs.right);
  return Pairs(
    element_of(a_low * low.cosine - b_low * low.sine, a_high * high.cosine - b_high * high.sine),
    element_of(a_low * low.sine + b_low * low.cosine, a_high * high.sine + b_high * high.cosine),
  );
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let item = (group.y * groups.x + group.x) * 256u + thread;
  let per_head = params.D / 16u; // lanes of a head, and elements of its left half
  let own = item % per_head;
  let head = item / per_head;
  let heads = params.tokens * params.H;
  if (head < heads) {
    let left = head * 2u * per_head + own;
    let at = params.x_offset + left;
    let pairs = rotated(Pairs(x[at], x[at + per_head]), head / params.H, own);
    out[params.out_offset + left] = pairs.left;
    out[params.out_offset + left + per_head] = pairs.right;
  } else if (HAS_SECOND && head - heads < params.tokens * params.H_y) {
    let left = (head - heads) * 2u * per_head + own;
    let at = params.y_offset + left;
    let pairs = rotated(Pairs(y[at], y[at + per_head]), (head - heads) / params.H_y, own);
    out_y[params.out_y_offset + left] = pairs.left;
    out_y[params.out_y_offset + left + per_head] = pairs.right;
  }
}
