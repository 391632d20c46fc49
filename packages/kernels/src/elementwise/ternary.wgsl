// out = f(a, b, c), element by element; inputs are any strided views (0 strides broadcast), out too.
// One workgroup = 256 elements; on the vector path an element is four numbers along the innermost dimension.
// a, b, c, out: the same shape, up to six dimensions. X_IS_OUT: that input is out itself (bound to something unread).
// Workgroup memory: none. Reference: the table of f64 formulas of @modajs/cpu.

// @interface
//   override OP: u32 = 0u
//   override RANK: u32 = 1u
//   read a: array<Element>
//   read b: array<Element>
//   read c: array<Element>
//   read_write out: array<Element>
//   uniform params: Params

// @import { Element, Value, Bits } from '../wgsl/element.wgsl'

// @import { Params } from '../wgsl/strided.wgsl'
// @import { first_operand, second_operand, third_operand } from '../wgsl/operands.wgsl'
// @import { main } from '../wgsl/each-element.wgsl'

// @import { silu_slope } from '../wgsl/activation.wgsl'

fn apply(first: Value, second: Value, third: Value) -> Value {
  switch OP {
    case 0u: { // @operator where
      let isZero = (bitcast<Bits>(first) & Bits(0x7fffffffu)) == Bits(0u);
      return select(second, third, isZero);
    }
    case 1u: { return silu_slope(first) * second * third; } // @operator swigluGradGate
    case 2u: { return first * second + third; } // @operator multiplyAdd
    default: { // no operator
      var absent = 0x7fc00000u;
      return Value(bitcast<f32>(absent));
    }
  }
}

fn compute_element(item: u32, at: vec4<u32>) {
  out[at.w] = Element(apply(first_operand(at), second_operand(at), third_operand(at)));
}
