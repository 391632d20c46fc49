// What the kernels of RMS norm and layer norm share: switches, and the inputs of the backward, binding i of the pass as binding i here.
// Expects of the importer: the type `Element`.
// x, d_out: [rows, N]; weight: [N]; mean, rstd: [rows] f32.

override WIDTH: u32 = 64u;

override IS_LAYER: bool = false;

override HAS_WEIGHT: bool = true;

// dx is added to.
override ACCUMULATE: bool = false;

@group(0) @binding(0) var<storage, read> x: array<Element>;

@group(0) @binding(1) var<storage, read> weight: array<Element>;

@group(0) @binding(2) var<storage, read> mean: array<f32>;

@group(0) @binding(3) var<storage, read> rstd: array<f32>;

@group(0) @binding(4) var<storage, read> d_out: array<Element>;

@group(0) @binding(5) var<storage, read_write> dx: array<Element>;

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
