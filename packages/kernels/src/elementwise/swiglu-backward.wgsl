// Both gradients of silu(gate) * up, element by element: d_gate = silu'(gate) * up * d_out, d_up = silu(gate) * d_out.
// One workgroup = 256 elements; on the vector path an element is four numbers along the innermost dimension.
// gate, up, d_out: any strided views of one shape (0 strides broadcast), up to six dimensions; d_gate, d_up: row-major.
// Workgroup memory: none. Reference: swiglu-backward.gpu.test.ts.

// @interface
//   override RANK: u32 = 1u
//   read gate: array<Element>
//   read up: array<Element>
//   read d_out: array<Element>
//   read_write d_gate: array<Element>
//   read_write d_up: array<Element>
//   uniform params: Params
//     size: u32, unused_0: f32, unused_1: f32, d_up_offset: u32,
//     offsets: vec4<u32>,
//     shape: array<vec4<u32>, 2>,
//     strides: array<vec4<u32>, 6>,

// @import { Element, Value } from '../wgsl/element.wgsl'

// @import { main } from '../wgsl/each-element.wgsl'

fn compute_element(item: u32, at: vec4<u32>) {
  let g = Value(gate[at.x]);
  let u = Value(up[at.y]);
  let d = Value(d_out[at.z]);
  // Through exp of a number that is never positive, so that nothing overflows; 0 at -Inf.
  let e = exp(-abs(g));
  let s = select(e / (1.0 + e), 1.0 / (1.0 + e), g >= Value(0.0));
  let is_far = g < Value(-3.4028234e38);
  let slope = select(s * (1.0 + g * (1.0 - s)), Value(0.0), is_far);
  let silu = select(g * s, Value(0.0), is_far);
  d_gate[at.w] = Element(slope * u * d);
  d_up[params.d_up_offset + item] = Element(silu * d);
}
