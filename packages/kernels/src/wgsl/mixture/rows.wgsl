// Rows of up to four bindings that are read, four at most for each pass of a mixture.
// Expects of the importer: the types `Element` and `Value`.

@group(0) @binding(0) var<storage, read> a0: array<Element>;

@group(0) @binding(1) var<storage, read> a1: array<Element>;

@group(0) @binding(2) var<storage, read> a2: array<Element>;

@group(0) @binding(3) var<storage, read> a3: array<Element>;

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
