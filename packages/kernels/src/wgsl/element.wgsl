// What one element of a binding is, and what it is computed as: f32 of f32, f32 of f16, or vectors of four of them.

// @interface
//   alias Element = f32
//   alias Value = f32
//   alias Bits = u32
