// out = f(a, b), element by element; a and b are any strided views (0 strides broadcast), out too.
// One workgroup = 256 elements; on the vector path an element is four numbers along the innermost dimension.
// a, b, out: the same shape, up to six dimensions. A_IS_OUT, B_IS_OUT: that input is out itself (bound to something unread).
// Workgroup memory: none. Reference: the table of f64 formulas of @modajs/cpu.

// @interface
//   override OP: u32 = 0u
//   override RANK: u32 = 1u
//   read a: array<Element>
//   read b: array<Element>
//   read_write out: array<Element>
//   uniform params: Params

// @import { Element, Value, Bits } from '../wgsl/element.wgsl'

// @import { Params } from '../wgsl/strided.wgsl'
// @import { first_operand, second_operand } from '../wgsl/operands.wgsl'
// @import { main } from '../wgsl/each-element.wgsl'

// @import { erfc_of, silu, silu_slope } from '../wgsl/activation.wgsl'

fn is_nan(v: Value) -> Value {
  return select(Value(0.0), Value(1.0), (bitcast<Bits>(v) & Bits(0x7fffffffu)) > Bits(0x7f800000u));
}

// A NaN in either input is the result, as in Math.max.
fn with_nan(v: Value, l: Value, r: Value) -> Value {
  return select(select(v, r, is_nan(r) == Value(1.0)), l, is_nan(l) == Value(1.0));
}

fn power(base: Value, exponent: Value) -> Value {
  let magnitude = exp2(exponent * log2(abs(base)));
  var absent = 0x7fc00000u;
  let whole = exponent == floor(exponent);
  let odd = abs(exponent) % 2.0 == Value(1.0);
  let negative = select(Value(bitcast<f32>(absent)), select(magnitude, -magnitude, odd), whole);
  // -Inf to a power that is not whole has the magnitude of Inf, as in C.
  let isNegative = (base < Value(0.0)) & (whole | (base >= Value(-3.4028234e38)));
  let finite = with_nan(select(magnitude, negative, isNegative), base, exponent);
  // A power of 0 by itself: drivers may give log2(0) a finite value.
  let ofZero = select(Value(0.0), 1.0 / abs(base), exponent < Value(0.0));
  let known = select(finite, with_nan(ofZero, base, exponent), base == Value(0.0));
  // 1 even beside a NaN; -1 to an infinite power too, whose logarithm of 0 has no product with it.
  let isOne = (exponent == Value(0.0)) | (base == Value(1.0)) | ((base == Value(-1.0)) & (abs(exponent) > Value(3.4028234e38)));
  return select(known, Value(1.0), isOne);
}

fn gelu_slope(v: Value) -> Value {
  // s = (1 + tanh) / 2 and 4 s (1 - s) = 1 - tanh^2.
  let inner = 1.5957691216057308 * (v + 0.044715 * v * v * v);
  let e = exp(-abs(inner));
  let r = 1.0 / (1.0 + e);
  let s = select(e * r, r, inner >= Value(0.0));
  return s + 2.0 * v * (e * r * r) * 0.7978845608028654 * (1.0 + 0.134145 * v * v);
}

fn gelu_erf_slope(v: Value) -> Value {
  return 0.5 * erfc_of(-0.7071067811865476 * v) + v * 0.3989422804014327 * exp(-0.5 * v * v);
}

fn apply(l: Value, r: Value) -> Value {
  let no = Value(0.0);
  let yes = Value(1.0);
  switch OP {
    case 0u: { return l + r; } // @operator add
    case 1u: { return l - r; } // @operator sub
    case 2u: { return l * r; } // @operator mul
    case 3u: { return l / r; } // @operator div
    case 4u: { return power(l, r); } // @operator pow
    case 5u: { return with_nan(max(l, r), l, r); } // @operator maximum
    case 6u: { return with_nan(min(l, r), l, r); } // @operator minimum
    case 7u: { return select(no, yes, l == r); } // @operator equal
    // By what it is not: drivers may find a NaN not different from a number.
    case 8u: { return select(yes, no, l == r); } // @operator notEqual
    case 9u: { return select(no, yes, l < r); } // @operator less
    case 10u: { return select(no, yes, l <= r); } // @operator lessEqual
    case 11u: { return select(no, yes, l > r); } // @operator greater
    case 12u: { return select(no, yes, l >= r); } // @operator greaterEqual
    case 13u: { return silu(l) * r; } // @operator swiglu
    case 14u: { return silu_slope(l) * r; } // @operator siluGrad
    case 15u: { return gelu_slope(l) * r; } // @operator geluGrad
    case 16u: { return gelu_erf_slope(l) * r; } // @operator geluErfGrad
    case 17u: { return select(r, no, l <= no); } // @operator reluGrad
    case 18u: { return (1.0 - l * l) * r; } // @operator tanhGradFromOutput
    case 19u: { return l * (1.0 - l) * r; } // @operator sigmoidGradFromOutput
    default: { // no operator
      var absent = 0x7fc00000u;
      return Value(bitcast<f32>(absent));
    }
  }
}

fn compute_element(item: u32, at: vec4<u32>) {
  out[at.w] = Element(apply(first_operand(at), second_operand(at)));
}
