// Gradients of the weights of a mixture: d_weights[t, k, s] = sum over n of g_k[t, n] x_s[t, n], in f32; with IS_SHARED, where all tokens
// have the same weights, the sum over the tokens of a workgroup, [workgroups, weights].
// One workgroup = THREADS / ROW_LANES rows at a time; with IS_SHARED, `chunk` such groups of rows. ROW_LANES threads share a row.
// g_k, x_s: [tokens, N] at a start and a stride of their own, in four and three bindings.
// Workgroup memory: THREADS * ceil(OUTS * SOURCES / 4) * 16 bytes. Reference: mixture-reference.ts.

// @interface, bindings from 4
//   alias Weight = f32
//   const SOURCES: u32 = 3u
//   const OUTS: u32 = 4u
//   const SOURCE_BINDINGS = array<u32, SOURCES>(0u, 1u, 2u)
//   const OUT_BINDINGS = array<u32, OUTS>(0u, 1u, 2u, 3u)
//   override THREADS: u32 = 128u
//   override ROW_LANES: u32 = 32u
//   override IS_SHARED: bool = false
//   read x0: array<Element>
//   read x1: array<Element>
//   read x2: array<Element>
//   read_write d_weights: array<Weight>
//   uniform params: Params
//     tokens: u32, N: u32, chunk: u32, half: u32,  half of the threads that share a sum: unknown to compilers, which would write out the tree with its barriers
//     weights: vec4<u32>,                          start, strides of token (or workgroup), out and source
//     sources: array<vec4<u32>, SOURCES>,          start, stride of token
//     outs: array<vec4<u32>, OUTS>,

// @import { Element, Value } from '../wgsl/element.wgsl'
// @import { read_row } from '../wgsl/mixture/rows.wgsl'
// @import { LANES, SPREAD } from '../wgsl/row.wgsl'
const PAIRS: u32 = OUTS * SOURCES;
const QUADS: u32 = (PAIRS + 3u) / 4u;

var<workgroup> part: array<array<vec4<f32>, QUADS>, THREADS>;

fn read_source(which: u32, at: u32) -> Value {
  switch which {
    case 0u: {
      return Value(x0[at]);
    }
    case 1u: {
      return Value(x1[at]);
    }
    default: {
      return Value(x2[at]);
    }
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = group.y * groups.x + group.x;
  let lane = thread % ROW_LANES;
  let first = index * params.chunk * (THREADS / ROW_LANES) + thread / ROW_LANES;
  var sums: array<vec4<f32>, QUADS>;
  for (var i = 0u; i < params.chunk; i++) {
    let token = first + i * (THREADS / ROW_LANES);
    if (token < params.tokens) {
      for (var n = lane; n < params.N; n += ROW_LANES) {
        var x: array<Value, SOURCES>;
        for (var s = 0u; s < SOURCES; s++) { // @unroll
          let row = params.sources[s];
          x[s] = read_source(SOURCE_BINDINGS[s], row.x + token * row.y + n);
        }
        for (var k = 0u; k < OUTS; k++) { // @unroll
          let row = params.outs[k];
          let g = vec4<f32>(read_row(OUT_BINDINGS[k], row.x + token * row.y + n)) * SPREAD;
          for (var s = 0u; s < SOURCES; s++) { // @unroll
            sums[(k * SOURCES + s) / 4u][(k * SOURCES + s) % 4u] += dot(g, vec4<f32>(x[s]));
          }
        }
      }
    }
  }
  for (var q = 0u; q < QUADS; q++) { // @unroll
    part[thread][q] = sums[q];
  }
  let sharing = select(ROW_LANES, THREADS, IS_SHARED);
  let place = thread % sharing;
  for (var half = params.half; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (place < half) {
      for (var q = 0u; q < QUADS; q++) { // @unroll
        part[thread][q] += part[thread + half][q];
      }
    }
  }
  workgroupBarrier();
  let line = select(first, index, IS_SHARED);
  if (!IS_SHARED && line >= params.tokens) {
    return;
  }
  for (var pair = place; pair < PAIRS; pair += sharing) {
    let at = params.weights.x + line * params.weights.y + pair / SOURCES * params.weights.z + pair % SOURCES * params.weights.w;
    d_weights[at] = Weight(part[thread - place][pair / 4u][pair % 4u]);
  }
}
