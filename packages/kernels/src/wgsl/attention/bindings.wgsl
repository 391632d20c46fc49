// Inputs of the attention kernels without subgroup matrices: binding i of the pass is binding i here.
// Expects of the importer: the type `Loaded`, what is read at once: one element, or four.
// q [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], d_out [B,T,H,Dv]; doc_range i32 [B,T,2]; stats f32 [B,H,T] of (lse, delta).

@group(0) @binding(0) var<storage, read> q: array<Loaded>;

@group(0) @binding(1) var<storage, read> k: array<Loaded>;

@group(0) @binding(2) var<storage, read> v: array<Loaded>;

@group(0) @binding(3) var<storage, read> doc_range: array<i32>;

@group(0) @binding(4) var<storage, read> d_out: array<Loaded>;

@group(0) @binding(5) var<storage, read> stats: array<vec2<f32>>;
