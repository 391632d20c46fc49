// Second pass of a matrix product that was split along K: out = activation(alpha * sum of slices + bias) + residual (+ out).
// One workgroup = 256 elements of out, one thread = one element; slices are added in order, so the result is deterministic.
// Reference: matmul-reference.ts.

// @interface
//   alias OutElement = f32
//   alias BiasElement = f32
//   read partials: array<f32>          [slices][batch][M][N]
//   read bias: array<BiasElement>      [N]
//   read residual: array<OutElement>   [batch][M][ld]
//   read_write out: array<OutElement>  [batch][M][ld]
//   uniform params: Params

// @import { HAS_BIAS, HAS_RESIDUAL, ACCUMULATE, Params, activate } from '../wgsl/matmul/product.wgsl'

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.x + group.y * params.groups_x) * 256u + thread;
  if (index >= params.slice_stride) { return; }
  let column = index % params.n;
  let row = (index / params.n) % params.m;
  let batch = index / (params.n * params.m);
  var sum = 0.0;
  let slices = params.slices;
  // Eight loads in flight; the order of the sum stays that of the slices.
  let blocks = slices / 8u;
  for (var block = 0u; block < blocks; block++) {
    let at = index + block * 8u * params.slice_stride;
    let p0 = partials[at];
    let p1 = partials[at + params.slice_stride];
    let p2 = partials[at + 2u * params.slice_stride];
    let p3 = partials[at + 3u * params.slice_stride];
    let p4 = partials[at + 4u * params.slice_stride];
    let p5 = partials[at + 5u * params.slice_stride];
    let p6 = partials[at + 6u * params.slice_stride];
    let p7 = partials[at + 7u * params.slice_stride];
    sum = (((((((sum + p0) + p1) + p2) + p3) + p4) + p5) + p6) + p7;
  }
  for (var slice = blocks * 8u; slice < slices; slice++) { sum += partials[index + slice * params.slice_stride]; }

  sum *= params.alpha;
  if (HAS_BIAS) { sum += f32(bias[params.bias_offset + column]); }
  sum = activate(sum);
  if (HAS_RESIDUAL) {
    sum += f32(residual[params.residual_offset + batch * params.residual_batch + row * params.residual_ld + column]);
  }
  let at = params.out_offset + batch * params.out_batch + row * params.out_ld + column;
  if (ACCUMULATE) { sum += f32(out[at]); }
  out[at] = OutElement(sum);
}
