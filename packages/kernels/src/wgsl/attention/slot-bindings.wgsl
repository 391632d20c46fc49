// Inputs of the depth kernels that read 16 bytes at a time, 8 halves or 4 numbers of 32 bits an element: binding i of the pass is binding i here.
// q [B,T,H,D], k [slots,B,Td,Hkv,D], v [slots,B,Td,Hkv,Dv], d_out [B,T,H,Dv]; stats f32 [B,H,T] of (lse, delta).

// @interface
//   read q: array<vec4<u32>>
//   read k: array<vec4<u32>>
//   read v: array<vec4<u32>>
//   read d_out: array<vec4<u32>>
//   read stats: array<vec2<f32>>
//   read_write dq: array<vec4<u32>>
