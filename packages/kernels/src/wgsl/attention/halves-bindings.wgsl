// Inputs of the attention kernels on f16 that read 16 bytes at a time, 8 halves an element: binding i of the pass is binding i here.
// q [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], d_out [B,T,H,Dv]; doc_range i32 [B,T,2]; stats f32 [B,H,T] of (lse, delta).

// @interface
//   read q: array<vec4<u32>>
//   read k: array<vec4<u32>>
//   read v: array<vec4<u32>>
//   read doc_range: array<i32>
//   read d_out: array<vec4<u32>>
//   read stats: array<vec2<f32>>
