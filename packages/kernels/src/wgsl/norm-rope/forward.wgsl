// Run-time sizes of norm and rotation in one pass (norm-rope.ts).

struct Params {
  rows: u32, heads: u32, D: u32, rotary_dim: u32,
  rows_per_token: u32, stride: u32, x_offset: u32, weight_offset: u32,
  positions_offset: u32, out_offset: u32, rstd_offset: u32, v_offset: u32,
  eps: f32, unused_0: u32, unused_1: u32, unused_2: u32,
  frequencies: array<vec4<f32>, 64>,
}
