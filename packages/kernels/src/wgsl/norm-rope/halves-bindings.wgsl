// Bindings of norm and rotation on 8 halves an element.

// @interface
//   read x: array<vec4<u32>>
//   read weight: array<vec4<u32>>
//   read positions: array<i32>
