// Strided views of one shape, up to six dimensions (strided-layout.ts): sizes, and where an element of each view lies.
// Expects of the importer: the override RANK, the binding params.

struct Params {
  size: u32, alpha: f32, beta: f32, unused: u32,
  offsets: vec4<u32>,
  shape: array<vec4<u32>, 2>,
  strides: array<vec4<u32>, 6>,
}

// Where element `item` of the shape lies in each of four views.
fn strided_offsets(item: u32) -> vec4<u32> {
  var rest = item;
  var at = params.offsets;
  for (var d = RANK - 1u; d > 0u; d--) {
    let extent = params.shape[d / 4u][d % 4u];
    at += (rest % extent) * params.strides[d];
    rest /= extent;
  }
  return at + rest * params.strides[0];
}
