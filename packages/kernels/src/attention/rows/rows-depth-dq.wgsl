// Gradient of single query rows through their own depth slots, the gradients of the slots deferred:
//   dq[b,i,h,:] (+)= scale * sum_s dS_s k_s,   dS_s = p_s (dOut . v_s - delta),   p_s = exp(scale * q . k_s - lse)
// Leaves (p, dS) of each slot in `pairs` for `depth-gather.wgsl`. dq is added to unless `is_first`.
//
// One workgroup = one query row (b, i, h); 64 threads take a slot each for p and dS, then a column each for the sum.
// q, dq [B,T,H,D], d_out [B,T,H,Dv], k, v [slots,B,Td,Hkv,D or Dv]; stats f32 [B,H,T] of (lse, delta);
// pairs [S,B,T,H] of (p, dS) in the storage type; this source's begin at pair dk_offset. Workgroup memory: (D + Dv + 64) * 4 bytes.
// Reference: attention-reference.ts.

// @interface
//   alias Element = f32
//   override D: u32 = 64u
//   override Dv: u32 = 64u
//   read q: array<Element>
//   read k: array<Element>
//   read v: array<Element>
//   read d_out: array<Element>
//   read stats: array<vec2<f32>>
//   read_write dq: array<Element>
//   read_write pairs: array<vec2<Element>>
//   uniform params: Params

// @import { Params } from '../../wgsl/attention/source.wgsl'

// @import { capped, cap_slope } from '../../wgsl/attention/softcap.wgsl'
const THREADS = 64u;

var<workgroup> q_row: array<f32, D>;
var<workgroup> d_out_row: array<f32, Dv>;
var<workgroup> d_scores: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group.y * groups.x + group.x; // (b * T + i) * H + h
  let n_rows = params.B * params.T * params.H;
  if (row >= n_rows) {
    return;
  }
  let h = row % params.H;
  let i = (row / params.H) % params.T;
  let b = row / (params.H * params.T);
  let place = u32(i32(i) + params.query_offset) * params.Hkv + h / (params.H / params.Hkv); // in a slot
  let key_base = params.k_offset + b * params.k_batch_stride + place * D;
  let value_base = params.v_offset + b * params.v_batch_stride + place * Dv;
  for (var d = thread; d < D; d += THREADS) {
    q_row[d] = f32(q[row * D + d]) * params.scale;
  }
  for (var d = thread; d < Dv; d += THREADS) {
    d_out_row[d] = f32(d_out[row * Dv + d]);
  }
  let lse_delta = stats[(b * params.H + h) * params.T + i];

  var acc: array<f32, 4>; // columns thread + 64 c
  workgroupBarrier();
  for (var block = 0u; block < params.slots; block += THREADS) {
    let slot = block + thread;
    if (slot < params.slots) {
      var score = 0.0;
      for (var d = 0u; d < D; d++) {
        score += q_row[d] * f32(k[key_base + slot * params.k_slot_stride + d]);
      }
      score = capped(score, 1.0);
      var d_weight = 0.0;
      for (var d = 0u; d < Dv; d++) {
        d_weight += d_out_row[d] * f32(v[value_base + slot * params.v_slot_stride + d]);
      }
      let weight = exp(score - lse_delta.x);
      d_scores[thread] = weight * (d_weight - lse_delta.y) * cap_slope(score, 1.0);
      pairs[params.dk_offset + slot * n_rows + row] = vec2<Element>(Element(weight), Element(d_scores[thread]));
    }
    workgroupBarrier();
    for (var j = 0u; j < min(THREADS, params.slots - block); j++) {
      let base = key_base + (block + j) * params.k_slot_stride;
      for (var c = 0u; c * THREADS + thread < D; c++) {
        acc[c] += d_scores[j] * f32(k[base + c * THREADS + thread]);
      }
    }
    workgroupBarrier();
  }

  for (var c = 0u; c * THREADS + thread < D; c++) {
    let index = row * D + c * THREADS + thread;
    var total = acc[c] * params.scale;
    if (params.is_first == 0u) {
      total += f32(dq[index]);
    }
    dq[index] = Element(total);
  }
}
