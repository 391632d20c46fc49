// Run-time sizes of the backward of norm and rotation in one pass (norm-rope-backward.ts), and the gradient of a rotated pair.
// Expects of the importer: the override IS_INTERLEAVED, the bindings d_out, positions and params.

// @import { rotation_of } from '../rotation.wgsl'

struct Params {
  rows: u32, heads: u32, D: u32, rows_per_token: u32,
  stride: u32, x_offset: u32, weight_offset: u32, positions_offset: u32,
  rstd_offset: u32, d_out_offset: u32, d_v_offset: u32, dx_offset: u32,
  chunk: u32, blocks: u32, unused_0: u32, unused_1: u32,
  frequencies: array<vec4<f32>, 64>,
}

// the gradient of a pair before it was rotated: the rotation by the negative angle.
fn rotated_back(row: u32, start: u32, i: u32, pair: vec2<u32>) -> vec2<f32> {
  let at = params.d_out_offset + row * params.heads * params.D + start;
  let a = f32(d_out[at + pair.x]);
  let b = f32(d_out[at + pair.y]);
  let position = f32(positions[params.positions_offset + row / params.rows_per_token]);
  let rotation = rotation_of(position * params.frequencies[i / 4u][i % 4u]);
  return vec2(a * rotation.x + b * rotation.y, b * rotation.x - a * rotation.y);
}

// Components of pair i of a head.
fn pair_of(i: u32) -> vec2<u32> {
  if (IS_INTERLEAVED) {
    return vec2(2u * i, 2u * i + 1u);
  }
  return vec2(i, i + params.D / 2u);
}
