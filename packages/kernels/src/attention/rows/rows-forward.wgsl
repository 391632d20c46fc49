// Attention of single query rows to one source of keys, any shape, with online softmax:
//   out[b,i,h,:] = sum_n softmax_n(scale * q[b,i,h,:] . k[n,:]) v[n,:],   lse[b,h,i] = log sum_n exp(...)
// over the keys n = (position, slot) with position in visible_range(b, i) and slot < slots.
// Continues from the state (out, lse) that earlier sources left unless `is_first`.
//
// One workgroup = one query row (b, i, h); 64 threads take a key each for the scores, then a column each for the sum.
// q [B,T,H,D]; k, v: positions x slots by strides; doc_range i32 [B,T,2]; out [B,T,H,Dv]; lse f32 [B,H,T].
// Workgroup memory: (D + 128) * 4 bytes. Reference: attention-reference.ts.

// @interface, bindings from 4
//   alias Element = f32
//   override D: u32 = 64u
//   override Dv: u32 = 64u
//   read_write out: array<Element>
//   read_write lse: array<f32>
//   uniform params: Params

alias Loaded = Element;

// @import { Params, visible_range } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, doc_range } from '../../wgsl/attention/bindings.wgsl'

// @import { capped } from '../../wgsl/attention/softcap.wgsl'
const THREADS = 64u;
const LOWEST = -3.0e38;

var<workgroup> q_row: array<f32, D>;
var<workgroup> scores: array<f32, THREADS>;
var<workgroup> weights: array<f32, THREADS>;

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
  let lse_index = (b * params.H + h) * params.T + i;

  // Running state, the same in every thread but for the columns of acc: thread + 64 c.
  var acc: array<f32, 4>;
  var maximum = LOWEST;
  var sum = 0.0;
  if (params.is_first == 0u && lse[lse_index] > LOWEST) {
    maximum = lse[lse_index];
    sum = 1.0;
    for (var c = 0u; c * THREADS + thread < Dv; c++) {
      acc[c] = f32(out[row * Dv + c * THREADS + thread]);
    }
  }
  workgroupBarrier();

  for (var block = 0u; block < n_keys; block += THREADS) {
    let n = block + thread;
    var score = LOWEST;
    if (n < n_keys) {
      let position = u32(visible.x) + n / params.slots;
      let base = params.k_offset + (n % params.slots) * params.k_slot_stride + b * params.k_batch_stride + (position * params.Hkv + kv_head) * D;
      score = 0.0;
      for (var d = 0u; d < D; d++) {
        score += q_row[d] * f32(k[base + d]);
      }
      score = capped(score, 1.0);
    }
    scores[thread] = score;
    workgroupBarrier();
    let in_block = min(THREADS, n_keys - block);
    var next_maximum = maximum;
    for (var j = 0u; j < in_block; j++) {
      next_maximum = max(next_maximum, scores[j]);
    }
    weights[thread] = exp(score - next_maximum);
    workgroupBarrier();
    let rescale = exp(maximum - next_maximum);
    maximum = next_maximum;
    sum *= rescale;
    for (var c = 0u; c < 4u; c++) {
      acc[c] *= rescale;
    }
    for (var j = 0u; j < in_block; j++) {
      let key = block + j;
      let position = u32(visible.x) + key / params.slots;
      let base = params.v_offset + (key % params.slots) * params.v_slot_stride + b * params.v_batch_stride + (position * params.Hkv + kv_head) * Dv;
      let weight = weights[j];
      sum += weight;
      for (var c = 0u; c * THREADS + thread < Dv; c++) {
        acc[c] += weight * f32(v[base + c * THREADS + thread]);
      }
    }
    // The next block writes `scores` only; `weights` is guarded by the barrier after it.
  }

  let normalize = select(0.0, 1.0 / sum, sum > 0.0); // rows that see no key give 0
  for (var c = 0u; c * THREADS + thread < Dv; c++) {
    out[row * Dv + c * THREADS + thread] = Element(acc[c] * normalize);
  }
  workgroupBarrier(); // every thread has read lse[lse_index]
  if (thread == 0u) {
    lse[lse_index] = select(params.negative_infinity, maximum + log(sum), sum > 0.0);
  }
}
