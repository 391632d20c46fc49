// What one element of a binding is, and what it is computed as: f32 of f32, f32 of f16, or vectors of four of them.

alias Element = f32; // @specialize

alias Value = f32; // @specialize

alias Bits = u32; // @specialize
