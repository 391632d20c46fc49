// Depth part of MoDA backward on subgroup matrices, for the own slots of each position: reads the stream once.
//   dq (+)= scale * dS . K,   dK (+)= scale * dS^T . Q,   dV (+)= P^T . dOut,   dS = P * (dOut . V^T - delta),   P = exp(scale * Q . K^T - lse)
// dq is added to unless `is_first`; dK and dV when `accumulate`. The variant `defers` leaves (P, dS) for `depth-gather.wgsl` in
// `pairs` and makes no dK and dV; without variants chosen, the text holds both.
//
// One subgroup = the G <= ROWS heads of one (b, i, kv_head), a lane each; it walks the slots in blocks of 16, the next block in registers.
// q, dq [B,T,H,D], d_out [B,T,H,Dv], k, dk [slots,B,Td,Hkv,D], v, dv [slots,B,Td,Hkv,Dv] as 8 halves an element
// (dk and dv of f32: 4 floats); stats f32 [B,H,T] of (lse, delta); pairs [S,B,T,H] of (P, dS) as two halves, this source's from pair dk_offset on.
// Workgroup memory: SUBGROUPS (32 (2 max(D, Dv) + 16) + 160 ROWS) bytes, D and Dv rounded up to 16.
// Reference: attention-reference.ts; moda.md section 3.
enable f16;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);

// @interface
//   const SUBGROUPS: u32 = 1u
//   const ROW_FRAGMENTS: u32 = 1u
//   const D: u32 = 64u
//   const Dv: u32 = 64u
//   const GRADIENT_BYTES: u32 = 2u
//   const PARAMS_BINDING: u32 = 9u
//   const PAIRS_BINDING: u32 = 8u

// @import { Left, Right, Accumulator, K_FRAGMENTS, V_FRAGMENTS, K_WIDTH, V_WIDTH, K_STRIDE, V_STRIDE } from '../../wgsl/attention/fragments.wgsl'
// @import { Params } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v, d_out, stats, dq } from '../../wgsl/attention/slot-bindings.wgsl'
// @if adds
@group(0) @binding(6) var<storage, read_write> dk: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4<u32>>;
// @end
// @if defers
@group(0) @binding(PAIRS_BINDING) var<storage, read_write> pairs: array<u32>;
// @end
@group(0) @binding(PARAMS_BINDING) var<uniform> params: Params;

const HIGHEST = 3.0e38;
const LOG2_E = 1.4426950408889634;
// @import { capped_four, cap_slope_four } from '../../wgsl/attention/softcap.wgsl'

const THREADS = SUBGROUPS * 32u;
const ROWS = ROW_FRAGMENTS * 16u;
const SLOTS = 16u; // of a block
const K_LOADS = (SLOTS * K_WIDTH + 31u) / 32u;
const V_LOADS = (SLOTS * V_WIDTH + 31u) / 32u;
const STRIDE = SLOTS / 4u + 1u; // of a row of scores, elements of 4 floats or 8 halves
const DK_STRIDE = K_FRAGMENTS * 4u + 1u; // of a slot's gradient, elements of 4 floats
const DV_STRIDE = V_FRAGMENTS * 4u + 1u;
const TILE = SLOTS * max(K_STRIDE + V_STRIDE, max(DK_STRIDE, DV_STRIDE)); // keys, then values; or gradients of one of them

var<workgroup> tiles: array<vec4<u32>, SUBGROUPS * TILE>;
var<workgroup> scores: array<vec4<u32>, SUBGROUPS * ROWS * STRIDE>; // f32 scores, then f16 weights
var<workgroup> d_weights: array<vec4<u32>, SUBGROUPS * ROWS * STRIDE>; // f32, then f16 gradients of scores

// @import { load_key, load_value } from '../../wgsl/attention/slot-rows.wgsl'

// @if adds
// Adds to, or overwrites, 8 gradients: one element of halves or two of floats.
fn add_dk(index: u32, low: vec4<f32>, high: vec4<f32>) {
  var sum_low = low;
  var sum_high = high;
  if (GRADIENT_BYTES == 2u) {
    if (params.accumulate != 0u) {
      let old = dk[index];
      sum_low += vec4<f32>(unpack2x16float(old.x), unpack2x16float(old.y));
      sum_high += vec4<f32>(unpack2x16float(old.z), unpack2x16float(old.w));
    }
    dk[index] = vec4<u32>(pack2x16float(sum_low.xy), pack2x16float(sum_low.zw), pack2x16float(sum_high.xy), pack2x16float(sum_high.zw));
  } else {
    if (params.accumulate != 0u) {
      sum_low += bitcast<vec4<f32>>(dk[index * 2u]);
      sum_high += bitcast<vec4<f32>>(dk[index * 2u + 1u]);
    }
    dk[index * 2u] = bitcast<vec4<u32>>(sum_low);
    dk[index * 2u + 1u] = bitcast<vec4<u32>>(sum_high);
  }
}

// Adds to, or overwrites, 8 gradients: one element of halves or two of floats.
fn add_dv(index: u32, low: vec4<f32>, high: vec4<f32>) {
  var sum_low = low;
  var sum_high = high;
  if (GRADIENT_BYTES == 2u) {
    if (params.accumulate != 0u) {
      let old = dv[index];
      sum_low += vec4<f32>(unpack2x16float(old.x), unpack2x16float(old.y));
      sum_high += vec4<f32>(unpack2x16float(old.z), unpack2x16float(old.w));
    }
    dv[index] = vec4<u32>(pack2x16float(sum_low.xy), pack2x16float(sum_low.zw), pack2x16float(sum_high.xy), pack2x16float(sum_high.zw));
  } else {
    if (params.accumulate != 0u) {
      sum_low += bitcast<vec4<f32>>(dv[index * 2u]);
      sum_high += bitcast<vec4<f32>>(dv[index * 2u + 1u]);
    }
    dv[index * 2u] = bitcast<vec4<u32>>(sum_low);
    dv[index * 2u + 1u] = bitcast<vec4<u32>>(sum_high);
  }
}
// @end

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let G = params.H / params.Hkv;
  let subgroup = thread / 32u;
  let lane = thread % 32u;
  let n_chunks = (G + ROWS - 1u) / ROWS;
  let n_units = params.B * params.T * params.Hkv * n_chunks;
  let unit = min((group.y * groups.x + group.x) * SUBGROUPS + subgroup, n_units - 1u);
  let is_unit = (group.y * groups.x + group.x) * SUBGROUPS + subgroup < n_units;
  let first_head = (unit % n_chunks) * ROWS;
  let kv_head = (unit / n_chunks) % params.Hkv;
  let i = (unit / (n_chunks * params.Hkv)) % params.T;
  let b = unit / (n_chunks * params.Hkv * params.T);
  let place = u32(i32(i) + params.query_offset) * params.Hkv + kv_head; // in a slot
  let key_base = (params.k_offset + b * params.k_batch_stride) / 8u + place * (D / 8u);
  let value_base = (params.v_offset + b * params.v_batch_stride) / 8u + place * (Dv / 8u);
  let is_row = is_unit && lane < ROWS && first_head + lane < G;
  let row = (b * params.T + i) * params.H + kv_head * G + min(first_head + lane, G - 1u);
  // @if adds
  let dk_base = (params.dk_offset + b * params.dk_batch_stride) / 8u + place * (D / 8u);
  let dv_base = (params.dv_offset + b * params.dv_batch_stride) / 8u + place * (Dv / 8u);
  // @end
  let keys_at = subgroup * TILE;
  let values_at = keys_at + SLOTS * K_STRIDE;
  let score_at = subgroup * ROWS * STRIDE;
  let row_at = score_at + min(lane, ROWS - 1u) * STRIDE;

  var next_keys: array<vec4<u32>, K_LOADS>;
  var next_values: array<vec4<u32>, V_LOADS>;
  for (var n = 0u; n < K_LOADS; n++) { // @unroll
    next_keys[n] = load_key(0u + (n * 32u + lane) / K_WIDTH, key_base, (n * 32u + lane) % K_WIDTH);
  }
  for (var n = 0u; n < V_LOADS; n++) { // @unroll
    next_values[n] = load_value(0u + (n * 32u + lane) / V_WIDTH, value_base, (n * 32u + lane) % V_WIDTH);
  }

  // Queries and output gradients as left and as right fragments, through the tiles.
  var queries: array<array<Left, K_FRAGMENTS>, ROW_FRAGMENTS>;
  var d_outs: array<array<Left, V_FRAGMENTS>, ROW_FRAGMENTS>;
  // @if adds
  var queries_right: array<array<Right, K_FRAGMENTS>, ROW_FRAGMENTS>;
  var d_outs_right: array<array<Right, V_FRAGMENTS>, ROW_FRAGMENTS>;
  // @end
  var dq_acc: array<array<Accumulator, K_FRAGMENTS>, ROW_FRAGMENTS>;
  for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
    for (var n = lane; n < 16u * K_WIDTH; n += 32u) {
      let head = first_head + r * 16u + n / K_WIDTH;
      var element = vec4<u32>();
      if (head < G && n % K_WIDTH < D / 8u) {
        element = q[((b * params.T + i) * params.H + kv_head * G + head) * (D / 8u) + n % K_WIDTH];
      }
      tiles[keys_at + (n / K_WIDTH) * K_STRIDE + n % K_WIDTH] = element;
    }
    for (var n = lane; n < 16u * V_WIDTH; n += 32u) {
      let head = first_head + r * 16u + n / V_WIDTH;
      var element = vec4<u32>();
      if (head < G && n % V_WIDTH < Dv / 8u) {
        element = d_out[((b * params.T + i) * params.H + kv_head * G + head) * (Dv / 8u) + n % V_WIDTH];
      }
      tiles[values_at + (n / V_WIDTH) * V_STRIDE + n % V_WIDTH] = element;
    }
    workgroupBarrier();
    for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
      queries[r][d] = subgroupMatrixLoad<Left, row_major>(&tiles, keys_at + d * 2u, K_STRIDE);
      // @if adds
      queries_right[r][d] = subgroupMatrixLoad<Right, row_major>(&tiles, keys_at + d * 2u, K_STRIDE);
      // @end
      dq_acc[r][d] = Accumulator();
    }
    for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
      d_outs[r][d] = subgroupMatrixLoad<Left, row_major>(&tiles, values_at + d * 2u, V_STRIDE);
      // @if adds
      d_outs_right[r][d] = subgroupMatrixLoad<Right, row_major>(&tiles, values_at + d * 2u, V_STRIDE);
      // @end
    }
    workgroupBarrier();
  }
  var lse_delta = vec2<f32>(HIGHEST, 0.0); // rows beyond the last weigh 0
  if (is_row) {
    lse_delta = stats[(b * params.H + kv_head * G + lane) * params.T + i] * vec2<f32>(LOG2_E, 1.0);
  }
  let scale = params.scale * LOG2_E;

  for (var slot = 0u; slot < params.slots; slot += SLOTS) {
    for (var n = 0u; n < K_LOADS; n++) { // @unroll
      if (n * 32u + lane < SLOTS * K_WIDTH) {
        tiles[keys_at + ((n * 32u + lane) / K_WIDTH) * K_STRIDE + (n * 32u + lane) % K_WIDTH] = next_keys[n];
      }
    }
    for (var n = 0u; n < V_LOADS; n++) { // @unroll
      if (n * 32u + lane < SLOTS * V_WIDTH) {
        tiles[values_at + ((n * 32u + lane) / V_WIDTH) * V_STRIDE + (n * 32u + lane) % V_WIDTH] = next_values[n];
      }
    }
    workgroupBarrier();
    for (var n = 0u; n < K_LOADS; n++) { // @unroll
      next_keys[n] = load_key(slot + SLOTS + (n * 32u + lane) / K_WIDTH, key_base, (n * 32u + lane) % K_WIDTH);
    }
    for (var n = 0u; n < V_LOADS; n++) { // @unroll
      next_values[n] = load_value(slot + SLOTS + (n * 32u + lane) / V_WIDTH, value_base, (n * 32u + lane) % V_WIDTH);
    }

    for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
      var score = Accumulator();
      var d_weight = Accumulator();
      for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
        let right = subgroupMatrixLoad<Right, col_major>(&tiles, keys_at + d * 2u, K_STRIDE);
        score = subgroupMatrixMultiplyAccumulate(queries[r][d], right, score);
      }
      for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
        let right = subgroupMatrixLoad<Right, col_major>(&tiles, values_at + d * 2u, V_STRIDE);
        d_weight = subgroupMatrixMultiplyAccumulate(d_outs[r][d], right, d_weight);
      }
      subgroupMatrixStore<row_major>(&scores, score_at + r * 16u * STRIDE, score, STRIDE);
      subgroupMatrixStore<row_major>(&d_weights, score_at + r * 16u * STRIDE, d_weight, STRIDE);
    }
    workgroupBarrier();

    if (lane < ROWS) {
      var weight: array<vec4<f32>, SLOTS / 4u>;
      var d_score: array<vec4<f32>, SLOTS / 4u>;
      for (var c = 0u; c < SLOTS / 4u; c++) { // @unroll
        let logit = capped_four(bitcast<vec4<f32>>(scores[row_at + c]) * scale, LOG2_E);
        weight[c] = exp2(logit - lse_delta.x);
        d_score[c] = weight[c] * (bitcast<vec4<f32>>(d_weights[row_at + c]) - lse_delta.y) * cap_slope_four(logit, LOG2_E);
      }
      // @if defers
      for (var c = 0u; c < SLOTS / 4u; c++) { // @unroll
        for (var s = 0u; s < 4u; s++) { // @unroll
          let at = slot + c * 4u + s;
          if (is_row && at < params.slots) {
            pairs[params.dk_offset + at * (params.B * params.T * params.H) + row] = pack2x16float(vec2<f32>(weight[c][s], d_score[c][s]));
          }
        }
      }
      // @end
      for (var c = 0u; c < SLOTS / 8u; c++) { // @unroll
        let low = weight[2u * c];
        let high = weight[2u * c + 1u];
        scores[row_at + c] = vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
        let d_low = d_score[2u * c];
        let d_high = d_score[2u * c + 1u];
        d_weights[row_at + c] = vec4<u32>(pack2x16float(d_low.xy), pack2x16float(d_low.zw), pack2x16float(d_high.xy), pack2x16float(d_high.zw));
      }
    }
    workgroupBarrier();

    for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
      let d_score = subgroupMatrixLoad<Left, row_major>(&d_weights, score_at + r * 16u * STRIDE, STRIDE);
      for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
        let right = subgroupMatrixLoad<Right, row_major>(&tiles, keys_at + d * 2u, K_STRIDE);
        dq_acc[r][d] = subgroupMatrixMultiplyAccumulate(d_score, right, dq_acc[r][d]);
      }
    }
    // @if adds
    var dk_acc: array<Accumulator, K_FRAGMENTS>;
    var dv_acc: array<Accumulator, V_FRAGMENTS>;
    for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
      dk_acc[d] = Accumulator();
    }
    for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
      dv_acc[d] = Accumulator();
    }
    for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
      let d_score_of_slots = subgroupMatrixLoad<Left, col_major>(&d_weights, score_at + r * 16u * STRIDE, STRIDE);
      let weight_of_slots = subgroupMatrixLoad<Left, col_major>(&scores, score_at + r * 16u * STRIDE, STRIDE);
      for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
        dk_acc[d] = subgroupMatrixMultiplyAccumulate(d_score_of_slots, queries_right[r][d], dk_acc[d]);
      }
      for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
        dv_acc[d] = subgroupMatrixMultiplyAccumulate(weight_of_slots, d_outs_right[r][d], dv_acc[d]);
      }
    }
    workgroupBarrier(); // the gradients take the tiles' place
    for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
      subgroupMatrixStore<row_major>(&tiles, keys_at + d * 4u, dk_acc[d], DK_STRIDE);
    }
    workgroupBarrier();
    for (var n = lane; n < SLOTS * K_WIDTH; n += 32u) {
      let at = slot + n / K_WIDTH;
      if (is_unit && at < params.slots && n % K_WIDTH < D / 8u) {
        let low = bitcast<vec4<f32>>(tiles[keys_at + (n / K_WIDTH) * DK_STRIDE + (n % K_WIDTH) * 2u]) * params.scale;
        let high = bitcast<vec4<f32>>(tiles[keys_at + (n / K_WIDTH) * DK_STRIDE + (n % K_WIDTH) * 2u + 1u]) * params.scale;
        add_dk(at * (params.k_slot_stride / 8u) + dk_base + n % K_WIDTH, low, high);
      }
    }
    workgroupBarrier();
    for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
      subgroupMatrixStore<row_major>(&tiles, keys_at + d * 4u, dv_acc[d], DV_STRIDE);
    }
    workgroupBarrier();
    for (var n = lane; n < SLOTS * V_WIDTH; n += 32u) {
      let at = slot + n / V_WIDTH;
      if (is_unit && at < params.slots && n % V_WIDTH < Dv / 8u) {
        let low = bitcast<vec4<f32>>(tiles[keys_at + (n / V_WIDTH) * DV_STRIDE + (n % V_WIDTH) * 2u]);
        let high = bitcast<vec4<f32>>(tiles[keys_at + (n / V_WIDTH) * DV_STRIDE + (n % V_WIDTH) * 2u + 1u]);
        add_dv(at * (params.v_slot_stride / 8u) + dv_base + n % V_WIDTH, low, high);
      }
    }
    // @end
    workgroupBarrier();
  }

  for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
    for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
      subgroupMatrixStore<row_major>(&scores, score_at + r * 16u * STRIDE, dq_acc[r][d], STRIDE);
    }
    workgroupBarrier();
    for (var c = 0u; c < 2u; c++) {
      if (is_row && d * 2u + c < D / 8u) {
        let index = row * (D / 8u) + d * 2u + c;
        var low = bitcast<vec4<f32>>(scores[row_at + c * 2u]) * params.scale;
        var high = bitcast<vec4<f32>>(scores[row_at + c * 2u + 1u]) * params.scale;
        if (params.is_first == 0u) {
          let old = dq[index];
          low += vec4<f32>(unpack2x16float(old.x), unpack2x16float(old.y));
          high += vec4<f32>(unpack2x16float(old.z), unpack2x16float(old.w));
        }
        dq[index] = vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
      }
    }
    workgroupBarrier();
  }
}
