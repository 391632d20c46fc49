// out = f(x), element by element; x is any strided view (0 strides broadcast), out too.
// One workgroup = 256 elements; on the vector path an element is four numbers along the innermost dimension.
// x: any layout up to six dimensions; out: the same shape. IN_PLACE: x is out itself (x is bound to something unread).
// Workgroup memory: none. Reference: elementwise-reference.ts.

alias Element = f32; // @specialize
alias Value = f32; // @specialize
alias Bits = u32; // @specialize

override OP: u32 = 0u;
override RANK: u32 = 1u;
override IN_PLACE: bool = false;

struct Params {
  size: u32,
  alpha: f32,
  beta: f32,
  unused: u32,
  offsets: vec4<u32>,
  shape: array<vec4<u32>, 2>,
  strides: array<vec4<u32>, 6>,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read_write> out: array<Element>;
@group(0) @binding(2) var<uniform> params: Params;

fn tanh_of(v: Value) -> Value {
  let size = abs(v);
  let s = v * v;
  let near = ((((Value(-5.70498872745e-3) * s + 2.06390887954e-2) * s - 5.37397155531e-2) * s + 1.33314422036e-1) * s
    - 3.33332819422e-1) * s * v + v;
  let far = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
  return select(select(far, -far, v < Value(0.0)), near, size < Value(0.625));
}

// 1 - erf(v), relative error below 1.2e-7 (Numerical Recipes, 6.2).
fn erfc_of(v: Value) -> Value {
  let size = abs(v);
  let t = 1.0 / (1.0 + 0.5 * size);
  let series = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * (0.27886807
    + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  let tail = t * exp(-size * size + series);
  return select(tail, 2.0 - tail, v < Value(0.0));
}

// Sine of v + quarter * pi/2: reduction to +-pi/4 in three parts, then the polynomials of Cephes.
fn sine(v: Value, quarter: f32) -> Value {
  let turns = round(v * 0.6366197723675814);
  let r = ((v - turns * 1.5703125) - turns * 4.837512969970703e-4) - turns * 7.549789954891882e-8;
  let s = r * r;
  let odd = r + r * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4));
  let even = 1.0 - 0.5 * s + s * s * (4.166664568298827e-2 + s * (-1.388731625493765e-3 + s * 2.443315711809948e-5));
  let quadrant = turns + quarter;
  let turned = quadrant - 4.0 * floor(quadrant * 0.25);
  let isEven = (turned == Value(1.0)) | (turned == Value(3.0));
  let magnitude = select(odd, even, isEven);
  return select(magnitude, -magnitude, turned >= Value(2.0));
}

// v^alpha: repeated products for small whole exponents, else exp2(alpha * log2|v|) with the sign put back.
fn power(v: Value) -> Value {
  let exponent = params.alpha;
  let isWhole = exponent == floor(exponent);
  if (isWhole && abs(exponent) <= 16.0) {
    var product = Value(1.0);
    for (var i = 0u; i < u32(abs(exponent)); i++) {
      product *= v;
    }
    return select(product, 1.0 / product, Value(exponent) < Value(0.0));
  }
  if (exponent == 0.5) {
    return sqrt(v);
  }
  let magnitude = exp2(exponent * log2(abs(v)));
  var absent = 0x7fc00000u;
  let negative = select(Value(bitcast<f32>(absent)), select(magnitude, -magnitude, Value(abs(exponent) % 2.0) == Value(1.0)),
    Value(f32(isWhole)) == Value(1.0));
  return select(magnitude, negative, v < Value(0.0));
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

// -Inf at 0 and NaN below: drivers may answer with finite numbers there.
fn log_of(v: Value) -> Value {
  var absent = 0x7fc00000u;
  var lowest = 0xff800000u;
  let at_most_zero = select(Value(bitcast<f32>(absent)), Value(bitcast<f32>(lowest)), v == Value(0.0));
  return select(log(v), at_most_zero, v <= Value(0.0));
}

// NaN for NaN, whatever min, max, exp and log of the driver make of it; only sign and notFinite have numbers for it.
fn apply(v: Value) -> Value {
  if (OP == 2u || OP > 20u) {
    return number_of(v);
  }
  return select(number_of(v), v, (bitcast<Bits>(v) & Bits(0x7fffffffu)) > Bits(0x7f800000u));
}

fn number_of(v: Value) -> Value {
  let alpha = Value(params.alpha);
  let beta = Value(params.beta);
  switch OP {
    case 0u: { return -v; }
    case 1u: { return abs(v); }
    case 2u: { return sign(v); }
    case 3u: { return floor(v); }
    case 4u: { return exp(v); }
    case 5u: { return log_of(v); }
    case 6u: { return sqrt(v); }
    case 7u: { return 1.0 / sqrt(v); }
    case 8u: { return 1.0 / v; }
    case 9u: { return v * v; }
    case 10u: { return sine(v, 0.0); }
    case 11u: { return sine(v, 1.0); }
    case 12u: { return tanh_of(v); }
    case 13u: { return sigmoid(v); }
    case 14u: { return select(v, Value(0.0), v < Value(0.0)); }
    case 15u: { return silu(v); }
    case 16u: { return 0.5 * v * (1.0 + tanh_of(0.7978845608028654 * (v + 0.044715 * v * v * v))); }
    case 17u: { return 0.5 * v * erfc_of(-0.7071067811865476 * v); }
    case 18u: { return alpha * v + beta; }
    case 19u: { return power(v); }
    case 20u: { return select(select(v, alpha, v < alpha), beta, v > beta); }
    case 21u: {
      let exponent = bitcast<Bits>(v) & Bits(0x7f800000u);
      return select(Value(0.0), Value(1.0), exponent == Bits(0x7f800000u));
    }
    default: { // no operator
      var absent = 0x7fc00000u;
      return Value(bitcast<f32>(absent));
    }
  }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  var rest = (group.y * groups.x + group.x) * 256u + lane;
  if (rest >= params.size) {
    return;
  }
  var at = params.offsets;
  for (var d = RANK - 1u; d > 0u; d--) {
    let extent = params.shape[d / 4u][d % 4u];
    at += (rest % extent) * params.strides[d];
    rest /= extent;
  }
  at += rest * params.strides[0];
  var v: Value;
  if (IN_PLACE) {
    v = Value(out[at.w]);
  } else {
    v = Value(x[at.x]);
  }
  out[at.w] = Element(apply(v));
}
