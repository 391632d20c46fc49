// Bindings of norm and rotation on 8 halves an element.

@group(0) @binding(0) var<storage, read> x: array<vec4<u32>>;

@group(0) @binding(1) var<storage, read> weight: array<vec4<u32>>;

@group(0) @binding(2) var<storage, read> positions: array<i32>;
