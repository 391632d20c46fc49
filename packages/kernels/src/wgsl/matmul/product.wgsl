// What all matrix products share: run-time sizes (matmul-uniform.ts) and the activation of a single sum.
// Expects of the importer: the override ACTIVATION (0 none, 1 relu, 2 gelu, 3 silu).

// @interface
//   override ACTIVATION: u32 = 0u
//   override HAS_BIAS: bool = false
//   override HAS_RESIDUAL: bool = false
//   override ACCUMULATE: bool = false

struct Params {
  m: u32, n: u32, k: u32, batch: u32,
  a_offset: u32, a_ld: u32, a_batch: u32, k_slice: u32,
  b_offset: u32, b_ld: u32, b_batch: u32, slices: u32,
  out_offset: u32, out_ld: u32, out_batch: u32, slice_stride: u32,
  residual_offset: u32, residual_ld: u32, residual_batch: u32, bias_offset: u32,
  alpha: f32, groups_x: u32,
}

fn activate(x: f32) -> f32 {
  if (ACTIVATION == 1u) { return max(x, 0.0); }
  if (ACTIVATION == 2u) {
    return 0.5 * x * (1.0 + tanh(clamp(0.7978845608 * (x + 0.044715 * x * x * x), -15.0, 15.0)));
  }
  if (ACTIVATION == 3u) { return x / (1.0 + exp(min(-x, 80.0))); }
  return x;
}
