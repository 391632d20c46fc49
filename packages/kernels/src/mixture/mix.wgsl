// Rows mixed with weights: out_k[t] (+)= sum over s of w[t, k, s] x_s[t], in f32.
// One thread = one element (a number, or four on the vector path) of all rows k of a token; 256 threads a workgroup.
// x_s, out_k: [tokens, N] at a start and a stride of their own, in four and three bindings; weights: strided [tokens, OUTS, SOURCES].
// Workgroup memory: none. Reference: mixture-reference.ts.

// @interface, bindings from 4
//   alias Weight = f32
//   const SOURCES: u32 = 4u
//   const OUTS: u32 = 3u
//   const SOURCE_BINDINGS = array<u32, SOURCES>(0u, 1u, 2u, 3u)  Which binding each row lies in.
//   const OUT_BINDINGS = array<u32, OUTS>(0u, 1u, 2u)
//   read weights: array<Weight>
//   read_write out0: array<Element>
//   read_write out1: array<Element>
//   read_write out2: array<Element>
//   uniform params: Params
//     tokens: u32, N: u32, unused_0: u32, unused_1: u32,
//     weights: vec4<u32>,                  start, strides of token, out and source
//     sources: array<vec4<u32>, SOURCES>,  start, stride of token
//     outs: array<vec4<u32>, OUTS>,        start, stride of token, whether it is added to

// @import { Element, Value } from '../wgsl/element.wgsl'
// @import { read_row } from '../wgsl/mixture/rows.wgsl'

fn read_out(which: u32, at: u32) -> Value {
  switch which {
    case 0u: {
      return Value(out0[at]);
    }
    case 1u: {
      return Value(out1[at]);
    }
    default: {
      return Value(out2[at]);
    }
  }
}

fn store(which: u32, at: u32, value: Value) {
  switch which {
    case 0u: {
      out0[at] = Element(value);
    }
    case 1u: {
      out1[at] = Element(value);
    }
    default: {
      out2[at] = Element(value);
    }
  }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let item = (group.y * groups.x + group.x) * 256u + thread;
  if (item >= params.tokens * params.N) {
    return;
  }
  let token = item / params.N;
  let column = item % params.N;
  let own = params.weights.x + token * params.weights.y;
  var sums: array<Value, OUTS>;
  for (var s = 0u; s < SOURCES; s++) { // @unroll
    let row = params.sources[s];
    let value = read_row(SOURCE_BINDINGS[s], row.x + token * row.y + column);
    for (var k = 0u; k < OUTS; k++) { // @unroll
      sums[k] += f32(weights[own + k * params.weights.z + s * params.weights.w]) * value;
    }
  }
  for (var k = 0u; k < OUTS; k++) { // @unroll
    let row = params.outs[k];
    let at = row.x + token * row.y + column;
    var sum = sums[k];
    if (row.z == 1u) {
      sum += read_out(OUT_BINDINGS[k], at);
    }
    store(OUT_BINDINGS[k], at, sum);
  }
}
