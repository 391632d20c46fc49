// out = f(a, b, c) for i32 and u32, element by element; one, two or three inputs, any strided views.
// One workgroup = 256 elements. Inputs an operator does not have are bound to `a` and not read.
// a, b, c, out: the same shape, up to six dimensions. X_IS_OUT: that input is out itself (bound to something unread).
// Workgroup memory: none. Reference: the table of f64 formulas of @modajs/cpu.

// @interface
//   alias Element = i32
//   override OP: u32 = 0u
//   override RANK: u32 = 1u
//   read a: array<Element>
//   read b: array<Element>
//   read c: array<Element>
//   read_write out: array<Element>
//   uniform params: Params
//     size: u32, alpha: Element, beta: Element, unused: u32,
//     offsets: vec4<u32>,
//     shape: array<vec4<u32>, 2>,
//     strides: array<vec4<u32>, 6>,

alias Value = Element;

// @import { first_operand, second_operand, third_operand } from '../wgsl/operands.wgsl'
// @import { main } from '../wgsl/each-element.wgsl'

// By repeated squaring, wrapping; a negative exponent gives 1 / base^-exponent, truncated.
fn power(base: Element, exponent: Element) -> Element {
  let one = Element(1);
  if (exponent < Element(0)) {
    let minus_one = Element(0) - one;
    if (base == one || (base == minus_one && (exponent & one) == Element(0))) {
      return one;
    }
    return select(Element(0), minus_one, base == minus_one);
  }
  var product = one;
  var factor = base;
  for (var rest = exponent; rest > Element(0); rest /= Element(2)) {
    if ((rest & one) == one) {
      product *= factor;
    }
    factor *= factor;
  }
  return product;
}

fn apply(l: Element, r: Element, third: Element) -> Element {
  let no = Element(0);
  let yes = Element(1);
  let alpha = params.alpha;
  let beta = params.beta;
  switch OP {
    case 0u: { return no - l; } // @operator neg
    case 1u: { return select(l, no - l, l < no); } // @operator abs
    case 2u: { return select(select(no, no - yes, l < no), yes, l > no); } // @operator sign
    case 3u: { return l * l; } // @operator square
    case 4u: { return max(l, no); } // @operator relu
    case 5u: { return alpha * l + beta; } // @operator affine
    case 6u: { return min(max(l, alpha), beta); } // @operator clamp
    case 7u: { return l; } // @operator floor
    case 20u: { return l + r; } // @operator add
    case 21u: { return l - r; } // @operator sub
    case 22u: { return l * r; } // @operator mul
    case 23u: { return select(l / r, no, r == no); } // @operator div
    case 24u: { return power(l, r); } // @operator pow
    case 25u: { return max(l, r); } // @operator maximum
    case 26u: { return min(l, r); } // @operator minimum
    case 27u: { return select(no, yes, l == r); } // @operator equal
    case 28u: { return select(no, yes, l != r); } // @operator notEqual
    case 29u: { return select(no, yes, l < r); } // @operator less
    case 30u: { return select(no, yes, l <= r); } // @operator lessEqual
    case 31u: { return select(no, yes, l > r); } // @operator greater
    case 32u: { return select(no, yes, l >= r); } // @operator greaterEqual
    case 40u: { return select(third, r, l != no); } // @operator where
    case 41u: { return l * r + third; } // @operator multiplyAdd
    default: { return no; } // no operator
  }
}

fn compute_element(item: u32, at: vec4<u32>) {
  out[at.w] = apply(first_operand(at), second_operand(at), third_operand(at));
}
