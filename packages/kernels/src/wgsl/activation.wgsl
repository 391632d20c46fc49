// Activations and their slopes, exact at the infinities.
// Expects of the importer: the type `Value`, f32 or a vector of it.

// 1 - erf(v), relative error below 1.2e-7 (Numerical Recipes, 6.2).
fn erfc_of(v: Value) -> Value {
  let size = abs(v);
  let t = 1.0 / (1.0 + 0.5 * size);
  let series = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807
    + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  let tail = t * exp(-size * size + series);
  return select(tail, 2.0 - tail, v < Value(0.0));
}

// A polynomial near 0, where 1 - 2 / (e^2|v| + 1) would lose digits.
fn tanh_of(v: Value) -> Value {
  let size = abs(v);
  let s = v * v;
  let near = ((((Value(-5.70498872745e-3) * s + 2.06390887954e-2) * s - 5.37397155531e-2) * s + 1.33314422036e-1) * s
    - 3.33332819422e-1) * s * v + v;
  let far = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
  return select(select(far, -far, v < Value(0.0)), near, size < Value(0.625));
}

// Through exp of a number that is never positive, so that nothing overflows.
fn sigmoid(v: Value) -> Value {
  let e = exp(-abs(v));
  return select(e / (1.0 + e), 1.0 / (1.0 + e), v >= Value(0.0));
}

// 0 at -Inf, where v * sigmoid(v) would be NaN.
fn silu(v: Value) -> Value {
  return select(v * sigmoid(v), Value(0.0), v < Value(-3.4028234e38));
}

fn silu_slope(v: Value) -> Value {
  let s = sigmoid(v);
  return select(s * (1.0 + v * (1.0 - s)), Value(0.0), v < Value(-3.4028234e38));
}
