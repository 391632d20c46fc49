// What the backward passes need of every query row: (lse, delta) with
//   delta[b,h,i] = sum_d dOut[b,i,h,d] * out[b,i,h,d] - dLse[b,h,i]
//
// One workgroup = 4 query rows, 16 threads each. out, d_out [B,T,H,Dv]; lse, d_lse f32 [B,H,T]; stats f32 [B,H,T] of (lse, delta).
// Workgroup memory: 256 bytes. Reference: attention-reference.ts.

// @interface
//   alias Element = f32
//   override Dv: u32 = 64u
//   read out: array<Element>
//   read d_out: array<Element>
//   read lse: array<f32>
//   read d_lse: array<f32>
//   read_write stats: array<vec2<f32>>
//   uniform params: Params
//     T: u32, H: u32, n_rows: u32, has_d_lse: u32,

const THREADS = 64u;
const LANES = 16u; // of a row

var<workgroup> products: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = (group.y * groups.x + group.x) * (THREADS / LANES) + thread / LANES; // (b * T + i) * H + h
  var product = 0.0;
  if (row < params.n_rows) {
    for (var d = thread % LANES; d < Dv; d += LANES) {
      product += f32(out[row * Dv + d]) * f32(d_out[row * Dv + d]);
    }
  }
  products[thread] = product;
  workgroupBarrier();
  if (row < params.n_rows && thread % LANES == 0u) {
    var delta = 0.0;
    for (var n = 0u; n < LANES; n++) {
      delta += products[thread + n];
    }
    let h = row % params.H;
    let i = (row / params.H) % params.T;
    let b = row / (params.H * params.T);
    let index = (b * params.H + h) * params.T + i;
    if (params.has_d_lse != 0u) {
      delta -= d_lse[index];
    }
    stats[index] = vec2<f32>(lse[index], delta);
  }
}
