// Rows of up to four bindings that are read, four at most for each pass of a mixture.
// Expects of the importer: the types `Element` and `Value`.

// @interface
//   read a0: array<Element>
//   read a1: array<Element>
//   read a2: array<Element>
//   read a3: array<Element>

// What lies at `at` of binding a<which>.
fn read_row(which: u32, at: u32) -> Value {
  switch which {
    case 0u: {
      return Value(a0[at]);
    }
    case 1u: {
      return Value(a1[at]);
    }
    case 2u: {
      return Value(a2[at]);
    }
    default: {
      return Value(a3[at]);
    }
  }
}
