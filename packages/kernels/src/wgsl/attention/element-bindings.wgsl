// Inputs of the attention kernels that read one element at a time: binding i of the pass is binding i here.
// Expects of the importer: the type `Element`.
// q [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], d_out [B,T,H,Dv]; doc_range i32 [B,T,2]; stats f32 [B,H,T] of (lse, delta).

@group(0) @binding(0) var<storage, read> q: array<Element>;

@group(0) @binding(1) var<storage, read> k: array<Element>;

@group(0) @binding(2) var<storage, read> v: array<Element>;

@group(0) @binding(3) var<storage, read> doc_range: array<i32>;

@group(0) @binding(4) var<storage, read> d_out: array<Element>;

@group(0) @binding(5) var<storage, read> stats: array<vec2<f32>>;
