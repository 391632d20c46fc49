// Depth part of MoDA backward for small groups, the gradients of slots deferred: reads each key and value once, on no fragments.
//   dq (+)= scale * dS . K,   dS = P * (dOut . V^T - delta),   P = exp(scale * Q . K^T - lse);   (P, dS) are left in `weights`
// for `depth-gather.wgsl`. dq is added to unless `is_first`.
//
// One run of LANES = D / 8 lanes = the G heads of one (b, i, kv_head), 8 columns a lane; it walks the slots SLOTS at a time, 8 or as many as lanes:
// partial products of the slots are summed over the lanes so that lane c ends with slot c, and with its P and dS.
// q, dq, d_out [B,T,H,D], k, v [slots,B,Td,Hkv,D] as 8 halves an element; stats f32 [B,H,T] of (lse, delta);
// weights [slots,B,T,H] of (P, dS) as two halves. No workgroup memory. Reference: attention-reference.ts; docs/decisions/020.
enable subgroups;
diagnostic(off, subgroup_uniformity);

const G: u32 = 2u; // @specialize
const LANES: u32 = 8u; // @specialize
const SLOTS: u32 = 8u; // @specialize
const THREADS: u32 = 128u; // @specialize

struct Params {
  B: u32, T: u32, H: u32, Hkv: u32,
  positions: u32, slots: u32, query_offset: i32, causal: u32,
  window: i32, chunk: u32, chunk_phase: u32, has_docs: u32,
  doc_shift: i32, k_slot_stride: u32, k_batch_stride: u32, k_offset: u32,
  v_slot_stride: u32, v_batch_stride: u32, v_offset: u32, is_first: u32,
  scale: f32, negative_infinity: f32, accumulate: u32, dk_batch_stride: u32,
  dk_offset: u32, dv_batch_stride: u32, dv_offset: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> k: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> d_out: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> dq: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> weights: array<u32>;
@group(0) @binding(7) var<uniform> params: Params;

const LOG2_E = 1.4426950408889634;
const MORE_LANES = countTrailingZeros(LANES / SLOTS); // halvings beyond a lane for each slot

fn low_of(element: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(element.x), unpack2x16float(element.y));
}

fn high_of(element: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(element.z), unpack2x16float(element.w));
}

// 8 numbers of a slot's row. Slots beyond the last read the last again, so that no load waits for a branch, and weigh 0.
fn load_key(slot: u32, base: u32) -> vec4<u32> {
  return k[min(slot, params.slots - 1u) * (params.k_slot_stride / 8u) + base];
}

fn load_value(slot: u32, base: u32) -> vec4<u32> {
  return v[min(slot, params.slots - 1u) * (params.v_slot_stride / 8u) + base];
}

// Sums of SLOTS (4 or 8) numbers over the lanes; lane c gets the sum of number c % SLOTS. 7 exchanges instead of 24.
fn sum_to_lane(x: array<f32, SLOTS>, lane: u32) -> f32 {
  let is_4 = (lane & 4u) != 0u;
  var y0 = x[0];
  var y1 = x[1];
  var y2 = x[2];
  var y3 = x[3];
  if (SLOTS == 8u) { // the remainders are 4 to 7 then
    y0 = select(y0, x[4u % SLOTS], is_4) + subgroupShuffleXor(select(x[4u % SLOTS], y0, is_4), 4u);
    y1 = select(y1, x[5u % SLOTS], is_4) + subgroupShuffleXor(select(x[5u % SLOTS], y1, is_4), 4u);
    y2 = select(y2, x[6u % SLOTS], is_4) + subgroupShuffleXor(select(x[6u % SLOTS], y2, is_4), 4u);
    y3 = select(y3, x[7u % SLOTS], is_4) + subgroupShuffleXor(select(x[7u % SLOTS], y3, is_4), 4u);
  }
  let is_2 = (lane & 2u) != 0u;
  let z0 = select(y0, y2, is_2) + subgroupShuffleXor(select(y2, y0, is_2), 2u);
  let z1 = select(y1, y3, is_2) + subgroupShuffleXor(select(y3, y1, is_2), 2u);
  let is_1 = (lane & 1u) != 0u;
  var sum = select(z0, z1, is_1) + subgroupShuffleXor(select(z1, z0, is_1), 1u);
  for (var step = 0u; step < MORE_LANES; step++) {
    sum += subgroupShuffleXor(sum, SLOTS << step);
  }
  return sum;
}

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
  let key_base = (params.k_offset + b * params.k_batch_stride) / 8u + place * LANES + lane;
  let value_base = (params.v_offset + b * params.v_batch_stride) / 8u + place * LANES + lane;
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
      let score = sum_to_lane(products[g], lane) * scale;
      let weight = select(0.0, exp2(score - lse_delta[g].x), own < params.slots);
      d_score[g] *= weight;
      if (is_unit && own < params.slots && lane < SLOTS) {
        weights[params.dk_offset + own * (params.B * params.T * params.H) + row + g] = pack2x16float(vec2<f32>(weight, d_score[g]));
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
      dq[at] = vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
    }
  }
}
