// Inputs of the elementwise operators at the places `at` of their views; an input that is `out` itself is read there.
// Expects of the importer: the types `Element` and `Value`, the bindings a, b, c and out as far as they are used.

// @interface
//   override A_IS_OUT: bool = false
//   override B_IS_OUT: bool = false
//   override C_IS_OUT: bool = false

fn first_operand(at: vec4<u32>) -> Value {
  if (A_IS_OUT) {
    return Value(out[at.w]);
  }
  return Value(a[at.x]);
}

fn second_operand(at: vec4<u32>) -> Value {
  if (B_IS_OUT) {
    return Value(out[at.w]);
  }
  return Value(b[at.y]);
}

fn third_operand(at: vec4<u32>) -> Value {
  if (C_IS_OUT) {
    return Value(out[at.w]);
  }
  return Value(c[at.z]);
}
