// Activation of four sums of a row.
// Expects of the importer: the override ACTIVATION (0 none, 1 relu, 2 gelu, 3 silu).

fn activate(x: vec4<f32>) -> vec4<f32> {
  if (ACTIVATION == 1u) { return max(x, vec4<f32>()); }
  if (ACTIVATION == 2u) {
    let inner = 0.7978845608 * (x + 0.044715 * x * x * x);
    return 0.5 * x * (1.0 + tanh(clamp(inner, vec4<f32>(-15.0), vec4<f32>(15.0))));
  }
  if (ACTIVATION == 3u) { return x / (1.0 + exp(min(-x, vec4<f32>(80.0)))); }
  return x;
}
