// dx of both norms as in norm-backward.wgsl, and parts of the gradients of weight and bias in the same pass:
// partial[split, 0, n] = sum of dOut * n(x), partial[split, 1, n] = sum of dOut (layer norm only), over the `chunk` rows of a split, in order.
// One workgroup = one split, WIDTH lanes, SLOTS elements of four numbers to a lane; N counts elements, N <= SLOTS * WIDTH.
// x, d_out, dx: [rows, N]; weight: [N]; mean, rstd: [rows] f32; partial: [splits, 2, N] of four f32.
// Workgroup memory: WIDTH pairs of floats. Reference: norm-reference.ts.

// @interface, bindings from 6
//   alias Element = vec4<f32>
//   const SLOTS: u32 = 1u
//   read_write partial: array<vec4<f32>>
//   uniform params: Params
//     rows: u32, N: u32, x_offset: u32, weight_offset: u32,
//     mean_offset: u32, rstd_offset: u32, d_out_offset: u32, dx_offset: u32,
//     chunk: u32,

// @import { WIDTH, IS_LAYER, HAS_WEIGHT, ACCUMULATE, x, weight, mean, rstd, d_out, dx, row_sums } from '../wgsl/norm.wgsl'

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let split = group.y * groups.x + group.x;
  let first = split * params.chunk;
  let end = min(params.rows, first + params.chunk);
  if (first >= end) {
    return;
  }
  var w: array<vec4<f32>, SLOTS>;
  var d_weight: array<vec4<f32>, SLOTS>;
  var d_bias: array<vec4<f32>, SLOTS>;
  var n: array<vec4<f32>, SLOTS>;
  var g: array<vec4<f32>, SLOTS>;
  for (var s = 0u; s < SLOTS; s++) {
    let i = s * WIDTH + lane;
    d_weight[s] = vec4<f32>();
    d_bias[s] = vec4<f32>();
    w[s] = vec4(1.0);
    if (HAS_WEIGHT && i < params.N) {
      w[s] = vec4<f32>(weight[params.weight_offset + i]);
    }
  }
  for (var row = first; row < end; row++) {
    let base = row * params.N;
    let scale = rstd[params.rstd_offset + row];
    var centre = 0.0;
    if (IS_LAYER) {
      centre = mean[params.mean_offset + row];
    }
    // All loads of a row before its sums.
    for (var s = 0u; s < SLOTS; s++) {
      let i = s * WIDTH + lane;
      n[s] = vec4<f32>();
      g[s] = vec4<f32>();
      if (i < params.N) {
        n[s] = (vec4<f32>(x[params.x_offset + base + i]) - centre) * scale;
        g[s] = vec4<f32>(d_out[params.d_out_offset + base + i]);
      }
    }
    var g_sum = vec4<f32>();
    var gn_sum = vec4<f32>();
    for (var s = 0u; s < SLOTS; s++) {
      d_weight[s] += g[s] * n[s];
      d_bias[s] += g[s];
      g[s] *= w[s];
      g_sum += g[s];
      gn_sum += g[s] * n[s];
    }
    let sums = row_sums(vec2(dot(g_sum, vec4(1.0)), dot(gn_sum, vec4(1.0))), lane);
    var means = sums / f32(params.N * 4u);
    if (!IS_LAYER) {
      means.x = 0.0;
    }
    for (var s = 0u; s < SLOTS; s++) {
      let i = s * WIDTH + lane;
      if (i < params.N) {
        let at = params.dx_offset + base + i;
        var own = scale * (g[s] - means.x - n[s] * means.y);
        if (ACCUMULATE) {
          own += vec4<f32>(dx[at]);
        }
        dx[at] = Element(own);
      }
    }
  }
  for (var s = 0u; s < SLOTS; s++) {
    let i = s * WIDTH + lane;
    if (i < params.N) {
      let at = split * 2u * params.N + i;
      partial[at] = d_weight[s];
      if (IS_LAYER) {
        partial[at + params.N] = d_bias[s];
      }
    }
  }
}
