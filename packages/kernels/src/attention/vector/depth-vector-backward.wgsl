// Depth part of MoDA backward for small groups, the gradients of slots deferred: reads each key and value once, without subgroup matrices.
//   dq (+)= scale * dS . K,   dS = P * (dOut . V^T - delta),   P = exp(scale * Q . K^T - lse);   (P, dS) are left in `pairs`
// for `depth-gather.wgsl`, which makes dK and dV of them. lse and delta are made by `row-stats.wgsl`. dq is added to unless `is_first`.
//
// One unit = the G query heads of one (b, i, kv_head). LANES = D / WIDTH neighbouring lanes work on it, WIDTH columns a lane (8 in f16, 4 in f32).
// They walk the slots SLOTS (4 or 8) at a time: each lane makes partial products of its columns, which are summed over the lanes so that
// lane c ends with the score of slot c, and with its P and dS.
// q, dq, d_out [B,T,H,D], k, v [slots,B,Td,Hkv,D] as WIDTH numbers an element; stats f32 [B,H,T] of (lse, delta);
// pairs [S,B,T,H] of (P, dS), two halves a word or two words; this source's begin at pair dk_offset. No workgroup memory.
// Reference: attention-reference.ts; docs/decisions/020.
enable subgroups;
diagnostic(off, subgroup_uniformity);

// @interface, bindings from 6
//   const BYTES: u32 = 2u  of a number
//   const G: u32 = 2u
//   const LANES: u32 = 8u
//   const SLOTS: u32 = 8u
//   const THREADS: u32 = 128u
//   read_write pairs: array<u32>
//   uniform params: Params

// @import { Params } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, d_out, stats, dq } from '../../wgsl/attention/slot-bindings.wgsl'

const LOG2_E = 1.4426950408889634;
// @import { capped, cap_slope } from '../../wgsl/attention/softcap.wgsl'
// @import { load_key, load_value, sum_to_lane } from '../../wgsl/attention/slot-lanes.wgsl'
// @import { WIDTH, low_of, high_of, element_of } from '../../wgsl/attention/slot-elements.wgsl'

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
) {
  let lane = thread % LANES;
  let first_lane = subgroup_lane - subgroup_lane % LANES;
  let n_units = params.B * params.T * params.Hkv;
  let index = (group.y * groups.x + group.x) * (THREADS / LANES) + thread / LANES;
  let unit = min(index, n_units - 1u);
  let is_unit = index < n_units;
  let kv_head = unit % params.Hkv;
  let position = unit / params.Hkv; // b * T + i
  let i = position % params.T;
  let b = position / params.T;
  let place = u32(i32(i) + params.query_offset) * params.Hkv + kv_head; // in a slot
  let key_base = (params.k_offset + b * params.k_batch_stride) / WIDTH + place * LANES + lane;
  let value_base = (params.v_offset + b * params.v_batch_stride) / WIDTH + place * LANES + lane;
  let row = position * params.H + kv_head * G;

  var queries: array<vec4<u32>, G>;
  var d_outs: array<vec4<u32>, G>;
  var lse_delta: array<vec2<f32>, G>;
  var dq_low: array<vec4<f32>, G>;
  var dq_high: array<vec4<f32>, G>;
  for (var g = 0u; g < G; g++) { // @unroll
    queries[g] = q[(row + g) * LANES + lane];
    d_outs[g] = d_out[(row + g) * LANES + lane];
    lse_delta[g] = stats[(b * params.H + kv_head * G + g) * params.T + i] * vec2<f32>(LOG2_E, 1.0);
  }
  let scale = params.scale * LOG2_E;

  // Keys are on their way while values are used, the next values while keys are.
  var values: array<vec4<u32>, SLOTS>;
  for (var s = 0u; s < SLOTS; s++) { // @unroll
    values[s] = load_value(s, value_base);
  }
  for (var slot = 0u; slot < params.slots; slot += SLOTS) {
    var keys: array<vec4<u32>, SLOTS>;
    for (var s = 0u; s < SLOTS; s++) { // @unroll
      keys[s] = load_key(slot + s, key_base);
    }
    var products: array<array<f32, SLOTS>, G>;
    for (var s = 0u; s < SLOTS; s++) { // @unroll
      let low = low_of(values[s]);
      let high = high_of(values[s]);
      for (var g = 0u; g < G; g++) { // @unroll
        products[g][s] = dot(low_of(d_outs[g]), low) + dot(high_of(d_outs[g]), high);
      }
    }
    if (slot + SLOTS < params.slots) {
      for (var s = 0u; s < SLOTS; s++) { // @unroll
        values[s] = load_value(slot + SLOTS + s, value_base);
      }
    }
    var d_score: array<f32, G>; // of slot + lane % SLOTS
    for (var g = 0u; g < G; g++) { // @unroll
      d_score[g] = sum_to_lane(products[g], lane) - lse_delta[g].y;
    }
    for (var s = 0u; s < SLOTS; s++) { // @unroll
      let low = low_of(keys[s]);
      let high = high_of(keys[s]);
      for (var g = 0u; g < G; g++) { // @unroll
        products[g][s] = dot(low_of(queries[g]), low) + dot(high_of(queries[g]), high);
      }
    }
    let own = slot + lane % SLOTS;
    for (var g = 0u; g < G; g++) { // @unroll
      let logit = capped(sum_to_lane(products[g], lane) * scale, LOG2_E);
      let weight = select(0.0, exp2(logit - lse_delta[g].x), own < params.slots);
      d_score[g] *= weight * cap_slope(logit, LOG2_E);
      if (is_unit && own < params.slots && lane < SLOTS) {
        let at = params.dk_offset + own * (params.B * params.T * params.H) + row + g;
        if (BYTES == 4u) {
          pairs[2u * at] = bitcast<u32>(weight);
          pairs[2u * at + 1u] = bitcast<u32>(d_score[g]);
        } else {
          pairs[at] = pack2x16float(vec2<f32>(weight, d_score[g]));
        }
      }
    }
    for (var s = 0u; s < SLOTS; s++) { // @unroll
      let low = low_of(keys[s]);
      let high = high_of(keys[s]);
      for (var g = 0u; g < G; g++) { // @unroll
        let factor = subgroupShuffle(d_score[g], first_lane + s);
        dq_low[g] += factor * low;
        dq_high[g] += factor * high;
      }
    }
  }

  if (is_unit) {
    // All that is added to is read before the first write.
    var olds: array<vec4<u32>, G>;
    if (params.is_first == 0u) {
      for (var g = 0u; g < G; g++) { // @unroll
        olds[g] = dq[(row + g) * LANES + lane];
      }
    }
    for (var g = 0u; g < G; g++) { // @unroll
      let at = (row + g) * LANES + lane;
      let low = dq_low[g] * params.scale + low_of(olds[g]); // 0 when is_first
      let high = dq_high[g] * params.scale + high_of(olds[g]);
      dq[at] = element_of(low, high);
    }
  }
}
