// Depth part of MoDA forward for small groups: the G heads of a position attend to its own S slots, on no fragments.
// Continues from the state (out, lse) that earlier sources left unless `is_first`. f32 arithmetic.
//
// One run of LANES = D / WIDTH lanes = the G heads of one (b, i, kv_head), WIDTH columns a lane (8 in f16, 4 in f32); it walks the slots
// SLOTS at a time, 8 or as many as lanes:
// partial scores of the slots are summed over the lanes so that lane c ends with slot c, and with its weight.
// q, out [B,T,H,D], k, v [slots,B,Td,Hkv,D] as WIDTH numbers an element; lse f32 [B,H,T]. No workgroup memory.
// Reference: attention-reference.ts; docs/decisions/020.
enable subgroups;
diagnostic(off, subgroup_uniformity);

// @interface, bindings from 3
//   const G: u32 = 2u
//   const LANES: u32 = 8u
//   const SLOTS: u32 = 8u
//   const THREADS: u32 = 128u
//   const BYTES: u32 = 2u  of a number
//   read_write out: array<vec4<u32>>
//   read_write lse: array<f32>
//   uniform params: Params

// @import { Params } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v } from '../../wgsl/attention/slot-bindings.wgsl'

const LOWEST = -3.0e38;
const LOG2_E = 1.4426950408889634;
// @import { capped } from '../../wgsl/attention/softcap.wgsl'
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
  var acc_low: array<vec4<f32>, G>;
  var acc_high: array<vec4<f32>, G>;
  var maximum: array<f32, G>; // log2 units
  var sum: array<f32, G>; // of this lane's slots
  var before: array<f32, G>; // what earlier sources left, log2 units; read here, for lane 0 writes it at the end
  for (var g = 0u; g < G; g++) { // @unroll
    queries[g] = q[(row + g) * LANES + lane];
    maximum[g] = LOWEST;
    before[g] = LOWEST;
    if (params.is_first == 0u) {
      before[g] = max(lse[(b * params.H + kv_head * G + g) * params.T + i] * LOG2_E, LOWEST);
    }
  }
  let scale = params.scale * LOG2_E;

  // Values are on their way while scores are made, the next keys while values are added up.
  var keys: array<vec4<u32>, SLOTS>;
  for (var s = 0u; s < SLOTS; s++) { // @unroll
    keys[s] = load_key(s, key_base);
  }
  for (var slot = 0u; slot < params.slots; slot += SLOTS) {
    var values: array<vec4<u32>, SLOTS>;
    for (var s = 0u; s < SLOTS; s++) { // @unroll
      values[s] = load_value(slot + s, value_base);
    }
    var products: array<array<f32, SLOTS>, G>;
    for (var s = 0u; s < SLOTS; s++) { // @unroll
      let low = low_of(keys[s]);
      let high = high_of(keys[s]);
      for (var g = 0u; g < G; g++) { // @unroll
        products[g][s] = dot(low_of(queries[g]), low) + dot(high_of(queries[g]), high);
      }
    }
    if (slot + SLOTS < params.slots) {
      for (var s = 0u; s < SLOTS; s++) { // @unroll
        keys[s] = load_key(slot + SLOTS + s, key_base);
      }
    }
    let is_used = slot + lane % SLOTS < params.slots;
    var weight: array<f32, G>; // of slot + lane % SLOTS
    for (var g = 0u; g < G; g++) { // @unroll
      let score = select(LOWEST, capped(sum_to_lane(products[g], lane) * scale, LOG2_E), is_used);
      var grown = max(maximum[g], score);
      if (SLOTS == 8u) {
        grown = max(grown, subgroupShuffleXor(grown, 4u));
      }
      grown = max(grown, subgroupShuffleXor(grown, 2u));
      grown = max(grown, subgroupShuffleXor(grown, 1u));
      let rescale = exp2(maximum[g] - grown);
      maximum[g] = grown;
      weight[g] = select(0.0, exp2(score - grown), is_used);
      sum[g] = sum[g] * rescale + weight[g];
      acc_low[g] *= rescale;
      acc_high[g] *= rescale;
    }
    for (var s = 0u; s < SLOTS; s++) { // @unroll
      let low = low_of(values[s]);
      let high = high_of(values[s]);
      for (var g = 0u; g < G; g++) { // @unroll
        let factor = subgroupShuffle(weight[g], first_lane + s);
        acc_low[g] += factor * low;
        acc_high[g] += factor * high;
      }
    }
  }

  // Merge with what earlier sources left, all of it read before the first write.
  var olds: array<vec4<u32>, G>;
  if (params.is_first == 0u) {
    for (var g = 0u; g < G; g++) { // @unroll
      olds[g] = out[(row + g) * LANES + lane];
    }
  }
  for (var g = 0u; g < G; g++) { // @unroll
    var total = sum[g];
    if (SLOTS == 8u) {
      total += subgroupShuffleXor(total, 4u);
    }
    total += subgroupShuffleXor(total, 2u);
    total += subgroupShuffleXor(total, 1u);
    let reference = max(maximum[g], before[g]);
    let weight_before = select(0.0, exp2(before[g] - reference), before[g] > LOWEST);
    let weight_new = exp2(maximum[g] - reference);
    let whole = weight_before + weight_new * total;
    var low = acc_low[g] * (weight_new / whole);
    var high = acc_high[g] * (weight_new / whole);
    if (weight_before > 0.0) {
      low += low_of(olds[g]) * (weight_before / whole);
      high += high_of(olds[g]) * (weight_before / whole);
    }
    if (is_unit) {
      out[(row + g) * LANES + lane] = element_of(low, high);
    }
    if (is_unit && lane == 0u) {
      lse[(b * params.H + kv_head * G + g) * params.T + i] = (reference + log2(whole)) / LOG2_E;
    }
  }
}
