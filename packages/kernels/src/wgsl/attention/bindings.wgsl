// Inputs of the attention kernels without subgroup matrices: binding i of the pass is binding i here.
// Expects of the importer: the type `Loaded`, what is read at once: one element, or four.
// q [B,T,H,D], k [B,keyCapacity,Hkv,D], v [B,keyCapacity,Hkv,Dv], d_out [B,T,H,Dv]; doc_range i32 [B,T,2]; stats f32 [B,H,T] of (lse, delta).

// @interface
//   read q: array<Loaded>
//   read k: array<Loaded>
//   read v: array<Loaded>
//   read doc_range: array<i32>
//   read d_out: array<Loaded>
//   read stats: array<vec2<f32>>
