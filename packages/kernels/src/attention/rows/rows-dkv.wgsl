// Gradient of single keys and values of one source:
//   dv[n,:] (+)= sum_r p_rn dOut_r,   dk[n,:] (+)= scale * sum_r p_rn (dOut_r . v_n - delta_r) q_r,   p_rn = exp(scale * q_r . k_n - lse_r)
// over the query rows r = (i, g) of the key's group that see it.
//
// One workgroup = one key (slot, b, position, kv_head); 64 threads take a row each for p and dS, then a column each for the sums.
// q [B,T,H,D]; k, v: positions x slots by strides; doc_range i32 [B,T,2]; d_out [B,T,H,Dv]; stats f32 [B,H,T] of (lse, delta);
// dk, dv: strides of k, v but for the batch stride and offset; added to when `accumulate`.
// Workgroup memory: (D + Dv + 128) * 4 bytes. Reference: attention-reference.ts.

// @interface, bindings from 6
//   alias Element = f32
//   alias Gradient = f32
//   override D: u32 = 64u
//   override Dv: u32 = 64u
//   read_write dk: array<Gradient>
//   read_write dv: array<Gradient>
//   uniform params: Params

alias Loaded = Element;

// @import { Params, visible_range, candidate_queries } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, doc_range, d_out, stats } from '../../wgsl/attention/bindings.wgsl'

// @import { capped, cap_slope } from '../../wgsl/attention/softcap.wgsl'
const THREADS = 64u;

var<workgroup> k_row: array<f32, D>;
var<workgroup> v_row: array<f32, Dv>;
var<workgroup> weights: array<f32, THREADS>;
var<workgroup> d_scores: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let key = group.y * groups.x + group.x; // ((slot * B + b) * positions + position) * Hkv + kv_head
  if (key >= params.slots * params.B * params.positions * params.Hkv) {
    return;
  }
  let G = params.H / params.Hkv;
  let kv_head = key % params.Hkv;
  let position = (key / params.Hkv) % params.positions;
  let b = (key / (params.Hkv * params.positions)) % params.B;
  let slot = key / (params.Hkv * params.positions * params.B);
  let k_base = params.k_offset + slot * params.k_slot_stride + b * params.k_batch_stride + (position * params.Hkv + kv_head) * D;
  let v_base = params.v_offset + slot * params.v_slot_stride + b * params.v_batch_stride + (position * params.Hkv + kv_head) * Dv;
  for (var d = thread; d < D; d += THREADS) {
    k_row[d] = f32(k[k_base + d]) * params.scale;
  }
  for (var d = thread; d < Dv; d += THREADS) {
    v_row[d] = f32(v[v_base + d]);
  }
  let candidates = candidate_queries(i32(position));
  let n_rows = u32(candidates.y - candidates.x) * G;

  var dk_acc: array<f32, 4>; // columns thread + 64 c
  var dv_acc: array<f32, 4>;
  workgroupBarrier();
  for (var block = 0u; block < n_rows; block += THREADS) {
    let n = block + thread;
    weights[thread] = 0.0;
    d_scores[thread] = 0.0;
    if (n < n_rows) {
      let i = u32(candidates.x) + n / G;
      let h = kv_head * G + n % G;
      let visible = visible_range(b, i);
      if (i32(position) >= visible.x && i32(position) < visible.y) {
        let row = (b * params.T + i) * params.H + h;
        let lse_delta = stats[(b * params.H + h) * params.T + i];
        var score = 0.0;
        for (var d = 0u; d < D; d++) {
          score += k_row[d] * f32(q[row * D + d]);
        }
        score = capped(score, 1.0);
        var d_weight = 0.0;
        for (var d = 0u; d < Dv; d++) {
          d_weight += v_row[d] * f32(d_out[row * Dv + d]);
        }
        weights[thread] = exp(score - lse_delta.x);
        d_scores[thread] = weights[thread] * (d_weight - lse_delta.y) * cap_slope(score, 1.0);
      }
    }
    workgroupBarrier();
    for (var j = 0u; j < min(THREADS, n_rows - block); j++) {
      let i = u32(candidates.x) + (block + j) / G;
      let row = (b * params.T + i) * params.H + kv_head * G + (block + j) % G;
      for (var c = 0u; c * THREADS + thread < D; c++) {
        dk_acc[c] += d_scores[j] * f32(q[row * D + c * THREADS + thread]);
      }
      for (var c = 0u; c * THREADS + thread < Dv; c++) {
        dv_acc[c] += weights[j] * f32(d_out[row * Dv + c * THREADS + thread]);
      }
    }
    workgroupBarrier();
  }

  let dk_base = params.dk_offset + slot * params.k_slot_stride + b * params.dk_batch_stride + (position * params.Hkv + kv_head) * D + thread;
  for (var c = 0u; c * THREADS + thread < D; c++) {
    var total = dk_acc[c] * params.scale;
    if (params.accumulate != 0u) {
      total += f32(dk[dk_base + c * THREADS]);
    }
    dk[dk_base + c * THREADS] = Gradient(total);
  }
  let dv_base = params.dv_offset + slot * params.v_slot_stride + b * params.dv_batch_stride + (position * params.Hkv + kv_head) * Dv + thread;
  for (var c = 0u; c * THREADS + thread < Dv; c++) {
    var total = dv_acc[c];
    if (params.accumulate != 0u) {
      total += f32(dv[dv_base + c * THREADS]);
    }
    dv[dv_base + c * THREADS] = Gradient(total);
  }
}
