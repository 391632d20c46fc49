// out = x with the element type converted; both are any strided views of the same shape (0 strides of x broadcast).
// One workgroup = 256 elements; on the vector path an element is four numbers along the innermost dimension.
// x: up to six dimensions; out: the same shape. To integers: truncated; f32 to f16: rounded to nearest even.
// Workgroup memory: none. Reference: Math.trunc, Math.fround and test/half.ts.

// @interface
//   alias Input = f32
//   alias Output = f32
//   override RANK: u32 = 1u
//   read x: array<Input>
//   read_write out: array<Output>
//   uniform params: Params

// @import { Params } from '../wgsl/strided.wgsl'
// @import { main } from '../wgsl/each-element.wgsl'

fn compute_element(item: u32, at: vec4<u32>) {
  out[at.w] = Output(x[at.x]);
}
