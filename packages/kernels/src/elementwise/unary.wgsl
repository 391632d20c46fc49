// out = f(x), element by element; x is any strided view (0 strides broadcast), out too.
// One workgroup = 256 elements; on the vector path an element is four numbers along the innermost dimension.
// x: any layout up to six dimensions; out: the same shape. IN_PLACE: x is out itself (x is bound to something unread).
// Workgroup memory: none. Reference: the table of f64 formulas of @modajs/cpu.

// @interface
//   override OP: u32 = 0u
//   override RANK: u32 = 1u
//   override IN_PLACE: bool = false
//   read x: array<Element>
//   read_write out: array<Element>
//   uniform params: Params

// @import { Element, Value, Bits } from '../wgsl/element.wgsl'

// @import { Params } from '../wgsl/strided.wgsl'
// @import { main } from '../wgsl/each-element.wgsl'

// @import { erfc_of, sigmoid, silu, tanh_of } from '../wgsl/activation.wgsl'

// Rational approximation on [-4, 4], beyond which erf is 1 in f32 (Eigen's), whose digits stay near 0.
fn erf_of(v: Value) -> Value {
  let x = clamp(v, Value(-4.0), Value(4.0));
  let s = x * x;
  let above = ((((((-2.72614225801306e-10 * s + 2.77068142495902e-8) * s - 2.10102402082508e-6) * s - 5.69250639462346e-5) * s
    - 7.34990630326855e-4) * s - 2.95459980854025e-3) * s - 1.60960333262415e-2) * x;
  let below = (((-1.45660718464996e-5 * s - 2.13374055278905e-4) * s - 1.68282697438203e-3) * s - 7.37332916720468e-3) * s
    - 1.42647390514189e-2;
  return above / below;
}

// High word of the 64-bit product of a number below 2^24 and any other.
fn product_high(a: Bits, b: Bits) -> Bits {
  let low = (a & Bits(0xffffu)) * (b & Bits(0xffffu));
  let left = (a >> Bits(16u)) * (b & Bits(0xffffu));
  let right = (a & Bits(0xffffu)) * (b >> Bits(16u));
  let middle = (low >> Bits(16u)) + (left & Bits(0xffffu)) + (right & Bits(0xffffu));
  return (a >> Bits(16u)) * (b >> Bits(16u)) + (left >> Bits(16u)) + (right >> Bits(16u)) + (middle >> Bits(16u));
}

// Remainder and quadrant of a large angle.
struct Angle {
  remainder: Value,
  quadrant: Value,
}

// Payne and Hanek, "Radian reduction for trigonometric functions" (1983): v is a whole number of 24 bits times 2^power, and only 96
// bits of 2/pi, from the place that matters on, decide v / (2 pi) modulo 1. For |v| >= 2^14.
fn reduce_large(v: Value) -> Angle {
  let bits = bitcast<Bits>(v);
  let significand = (bits & Bits(0x7fffffu)) | Bits(0x800000u);
  // First bit wanted of 2/pi with a word of zeros in front: 24 .. 134.
  let first = ((bits >> Bits(23u)) & Bits(0xffu)) - Bits(120u);
  let by_four = (first & Bits(128u)) != Bits(0u);
  let by_two = (first & Bits(64u)) != Bits(0u);
  let by_one = (first & Bits(32u)) != Bits(0u);
  let t0 = select(Bits(0u), Bits(0xf534ddc0u), by_four);
  let t1 = select(Bits(0xa2f9836eu), Bits(0xdb629599u), by_four);
  let t2 = select(Bits(0x4e441529u), Bits(0x3c439041u), by_four);
  let t3 = select(Bits(0xfc2757d1u), Bits(0xfe5163abu), by_four);
  let t4 = Bits(0xf534ddc0u);
  let t5 = Bits(0xdb629599u);
  let t6 = Bits(0x3c439041u);
  let u0 = select(t0, t2, by_two);
  let u1 = select(t1, t3, by_two);
  let u2 = select(t2, t4, by_two);
  let u3 = select(t3, t5, by_two);
  let u4 = select(t4, t6, by_two);
  let w0 = select(u0, u1, by_one);
  let w1 = select(u1, u2, by_one);
  let w2 = select(u2, u3, by_one);
  let w3 = select(u3, u4, by_one);
  let up = first & Bits(31u);
  // Two shifts: one by 32 has no meaning.
  let down = Bits(31u) - up;
  let q0 = (w0 << up) | ((w1 >> Bits(1u)) >> down);
  let q1 = (w1 << up) | ((w2 >> Bits(1u)) >> down);
  let q2 = (w2 << up) | ((w3 >> Bits(1u)) >> down);
  // v / (2 pi) modulo 1 in 64 bits.
  let carried = product_high(significand, q2);
  let low = significand * q1 + carried;
  let high = significand * q0 + product_high(significand, q1) + select(Bits(0u), Bits(1u), low < carried);
  let quadrant = (high + Bits(0x20000000u)) >> Bits(30u);
  let rest = high - (quadrant << Bits(30u));
  let isBelow = rest >= Bits(0x80000000u);
  let rest_low = select(low, ~low + Bits(1u), isBelow);
  let rest_high = select(rest, ~rest + select(Bits(0u), Bits(1u), low == Bits(0u)), isBelow);
  // The remainder as a fraction of 2 pi.
  let fraction = Value(rest_high) * 2.3283064365386963e-10 + Value(rest_low) * 5.421010862427522e-20;
  let size = fraction * 6.283185307179586;
  let isNegative = v < Value(0.0);
  // Sine is odd: of -v both parts change their sign.
  let quarter = Value(quadrant & Bits(3u));
  return Angle(select(size, -size, isBelow != isNegative), select(quarter, 4.0 - quarter, isNegative));
}

// Sine of v + quarter * pi/2: reduction to +-pi/4 in three parts, then the polynomials of Cephes. NaN at the infinities.
fn sine(v: Value, quarter: f32) -> Value {
  var quadrant = round(v * 0.6366197723675814);
  var r = ((v - quadrant * 1.5703125) - quadrant * 4.837512969970703e-4) - quadrant * 7.549789954891882e-8;
  let isLarge = abs(v) > Value(32768.0);
  if (any(isLarge)) {
    let angle = reduce_large(v);
    quadrant = select(quadrant, angle.quadrant, isLarge);
    r = select(r, angle.remainder, isLarge);
    var absent = 0x7fc00000u;
    r = select(r, Value(bitcast<f32>(absent)), (bitcast<Bits>(v) & Bits(0x7f800000u)) == Bits(0x7f800000u));
  }
  let s = r * r;
  let odd = r + r * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4));
  let even = 1.0 - 0.5 * s + s * s * (4.166664568298827e-2 + s * (-1.388731625493765e-3 + s * 2.443315711809948e-5));
  let shifted = quadrant + quarter;
  let place = shifted - 4.0 * floor(shifted * 0.25); // modulo 4
  let isEven = (place == Value(1.0)) | (place == Value(3.0));
  let magnitude = select(odd, even, isEven);
  return select(magnitude, -magnitude, place >= Value(2.0));
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
  if (abs(exponent) == 0.5) {
    return select(sqrt(v), 1.0 / sqrt(v), Value(exponent) < Value(0.0));
  }
  let magnitude = exp2(exponent * log2(abs(v)));
  var absent = 0x7fc00000u;
  let negative = select(Value(bitcast<f32>(absent)), select(magnitude, -magnitude, Value(abs(exponent) % 2.0) == Value(1.0)),
    Value(f32(isWhole)) == Value(1.0));
  // -Inf has the magnitude of Inf, as in C.
  let isDecided = (Value(f32(isWhole)) == Value(1.0)) | (v >= Value(-3.4028234e38));
  let known = select(magnitude, negative, (v < Value(0.0)) & isDecided);
  // A power of 0 by itself: drivers may give log2(0) a finite value.
  return select(known, select(Value(0.0), 1.0 / abs(v), Value(exponent) < Value(0.0)), v == Value(0.0));
}

// -Inf at 0 and NaN below: drivers may answer with finite numbers there.
fn log_of(v: Value) -> Value {
  var absent = 0x7fc00000u;
  var lowest = 0xff800000u;
  let at_most_zero = select(Value(bitcast<f32>(absent)), Value(bitcast<f32>(lowest)), v == Value(0.0));
  return select(log(v), at_most_zero, v <= Value(0.0));
}

// NaN for NaN, whatever min, max, exp and log of the driver make of it; only sign, notFinite and a power of 0 have numbers for it.
fn apply(v: Value) -> Value {
  if (OP == 2u || OP == 21u || (OP == 19u && params.alpha == 0.0)) {
    return number_of(v);
  }
  return select(number_of(v), v, (bitcast<Bits>(v) & Bits(0x7fffffffu)) > Bits(0x7f800000u));
}

fn number_of(v: Value) -> Value {
  let alpha = Value(params.alpha);
  let beta = Value(params.beta);
  switch OP {
    case 0u: { return -v; } // @operator neg
    case 1u: { return abs(v); } // @operator abs
    // 0 at NaN, as in PyTorch.
    case 2u: { return select(select(Value(0.0), Value(1.0), v > Value(0.0)), Value(-1.0), v < Value(0.0)); } // @operator sign
    case 3u: { return floor(v); } // @operator floor
    case 4u: { return exp(v); } // @operator exp
    case 5u: { return log_of(v); } // @operator log
    case 6u: { return sqrt(v); } // @operator sqrt
    case 7u: { return 1.0 / sqrt(v); } // @operator rsqrt
    case 8u: { return 1.0 / v; } // @operator reciprocal
    case 9u: { return v * v; } // @operator square
    case 10u: { return sine(v, 0.0); } // @operator sin
    case 11u: { return sine(v, 1.0); } // @operator cos
    case 12u: { return tanh_of(v); } // @operator tanh
    case 13u: { return sigmoid(v); } // @operator sigmoid
    case 14u: { return select(v, Value(0.0), v < Value(0.0)); } // @operator relu
    case 15u: { return silu(v); } // @operator silu
    // (1 + tanh u) / 2 is the sigmoid of 2 u, which loses no digits far below 0.
    case 16u: { return v * sigmoid(1.5957691216057308 * (v + 0.044715 * v * v * v)); } // @operator gelu
    case 17u: { return 0.5 * v * erfc_of(-0.7071067811865476 * v); } // @operator geluErf
    case 18u: { return alpha * v + beta; } // @operator affine
    case 19u: { return power(v); } // @operator powScalar
    case 20u: { return select(select(v, alpha, v < alpha), beta, v > beta); } // @operator clamp
    case 21u: { // @operator notFinite
      let exponent = bitcast<Bits>(v) & Bits(0x7f800000u);
      return select(Value(0.0), Value(1.0), exponent == Bits(0x7f800000u));
    }
    case 22u: { return alpha * tanh_of(v / alpha); } // @operator softcap
    case 23u: { return erf_of(v); } // @operator erf
    // tanh(v / 2) keeps its digits near 0.
    case 24u: { return tanh_of(0.5 * v) * (exp(v) + 1.0); } // @operator expm1
    default: { // no operator
      var absent = 0x7fc00000u;
      return Value(bitcast<f32>(absent));
    }
  }
}

fn compute_element(item: u32, at: vec4<u32>) {
  var v: Value;
  if (IN_PLACE) {
    v = Value(out[at.w]);
  } else {
    v = Value(x[at.x]);
  }
  out[at.w] = Element(apply(v));
}
