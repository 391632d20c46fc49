// What the kernels of RMS norm and layer norm share: switches, and the inputs of the backward, binding i of the pass as binding i here.
// Expects of the importer: the type `Element`.

// @interface
//   override WIDTH: u32 = 64u
//   override IS_LAYER: bool = false
//   override HAS_WEIGHT: bool = true
//   override ACCUMULATE: bool = false  dx is added to.
//   read x: array<Element>             [rows, N]
//   read weight: array<Element>        [N]
//   read mean: array<f32>              [rows]
//   read rstd: array<f32>              [rows]
//   read d_out: array<Element>         [rows, N]
//   read_write dx: array<Element>

var<workgroup> part: array<vec2<f32>, WIDTH>;

// Two sums of a row over the threads of a workgroup, by a tree.
fn row_sums(value: vec2<f32>, lane: u32) -> vec2<f32> {
  workgroupBarrier(); // every thread has read the last result
  part[lane] = value;
  for (var half = WIDTH / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      part[lane] += part[lane + half];
    }
  }
  workgroupBarrier();
  return part[0];
}
