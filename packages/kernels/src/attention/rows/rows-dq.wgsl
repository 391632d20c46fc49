// Gradient of single query rows with respect to q, through one source of keys:
//   dq[b,i,h,:] = scale * sum_n p_n (dOut . v_n - delta) k_n,   p_n = exp(scale * q . k_n - lse)
// over the keys n = (position, slot) that the row sees. Adds to `dq` unless `is_first`.
//
// One workgroup = one query row (b, i, h); 64 threads take a key each for p and dS, then a column each for the sum.
// q [B,T,H,D]; k, v: positions x slots by strides; doc_range i32 [B,T,2]; d_out [B,T,H,Dv]; stats f32 [B,H,T] of (lse, delta);
// dq [B,T,H,D]. Workgroup memory: (D + Dv + 64) * 4 bytes. Reference: attention-reference.ts.

// @interface, bindings from 6
//   alias Element = f32
//   override D: u32 = 64u
//   override Dv: u32 = 64u
//   read_write dq: array<Element>
//   uniform params: Params

alias Loaded = Element;

// @import { Params, visible_range } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, doc_range, d_out, stats } from '../../wgsl/attention/bindings.wgsl'

// @import { capped, cap_slope } from '../../wgsl/attention/softcap.wgsl'
const THREADS = 64u;

var<workgroup> q_row: array<f32, D>;
var<workgroup> d_out_row: array<f32, Dv>;
var<workgroup> d_scores: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group.y * groups.x + group.x; // (b * T + i) * H + h
  if (row >= params.B * params.T * params.H) {
    return;
  }
  let h = row % params.H;
  let i = (row / params.H) % params.T;
  let b = row / (params.H * params.T);
  let kv_head = h / (params.H / params.Hkv);
  let visible = visible_range(b, i);
  let n_keys = u32(visible.y - visible.x) * params.slots;
  for (var d = thread; d < D; d += THREADS) {
    q_row[d] = f32(q[row * D + d]) * params.scale;
  }
  for (var d = thread; d < Dv; d += THREADS) {
    d_out_row[d] = f32(d_out[row * Dv + d]);
  }
  let lse_delta = stats[(b * params.H + h) * params.T + i];

  var acc: array<f32, 4>; // columns thread + 64 c
  workgroupBarrier();
  for (var block = 0u; block < n_keys; block += THREADS) {
    let n = block + thread;
    if (n < n_keys) {
      let at = u32(visible.x) + n / params.slots;
      let key = params.k_offset + (n % params.slots) * params.k_slot_stride + b * params.k_batch_stride + (at * params.Hkv + kv_head) * D;
      let value = params.v_offset + (n % params.slots) * params.v_slot_stride + b * params.v_batch_stride + (at * params.Hkv + kv_head) * Dv;
      var score = 0.0;
      for (var d = 0u; d < D; d++) {
        score += q_row[d] * f32(k[key + d]);
      }
      score = capped(score, 1.0);
      var d_weight = 0.0;
      for (var d = 0u; d < Dv; d++) {
        d_weight += d_out_row[d] * f32(v[value + d]);
      }
      d_scores[thread] = exp(score - lse_delta.x) * (d_weight - lse_delta.y) * cap_slope(score, 1.0);
    }
    workgroupBarrier();
    for (var j = 0u; j < min(THREADS, n_keys - block); j++) {
      let key = block + j;
      let at = u32(visible.x) + key / params.slots;
      let base = params.k_offset + (key % params.slots) * params.k_slot_stride + b * params.k_batch_stride + (at * params.Hkv + kv_head) * D;
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
