// Inputs of the depth kernels that read 16 bytes at a time, 8 halves or 4 numbers of 32 bits an element: binding i of the pass is binding i here.
// q [B,T,H,D], k [slots,B,Td,Hkv,D], v [slots,B,Td,Hkv,Dv], d_out [B,T,H,Dv]; stats f32 [B,H,T] of (lse, delta).

@group(0) @binding(0) var<storage, read> q: array<vec4<u32>>;

@group(0) @binding(1) var<storage, read> k: array<vec4<u32>>;

@group(0) @binding(2) var<storage, read> v: array<vec4<u32>>;

@group(0) @binding(3) var<storage, read> d_out: array<vec4<u32>>;

@group(0) @binding(4) var<storage, read> stats: array<vec2<f32>>;

@group(0) @binding(5) var<storage, read_write> dq: array<vec4<u32>>;
