// Depth part of MoDA forward on subgroup matrices: the G heads of a position attend to its own S slots, [G x D] . [D x S] a position.
// Continues from the state (out, lse) that earlier sources left unless `is_first`. f16 operands, f32 accumulation, no masked waste.
//
// One subgroup = ROWS heads of one (b, i, kv_head), a lane each; it walks the slots in blocks of 16, the next block in registers.
// q [B,T,H,D], k [slots,B,Td,Hkv,D], v [slots,B,Td,Hkv,Dv], out [B,T,H,Dv] as 8 halves an element; lse f32 [B,H,T].
// Workgroup memory: SUBGROUPS (32 (D + Dv + 16) + 80 ROWS) + 4 bytes, D and Dv rounded up to 16.
// Reference: attention-reference.ts; moda.md section 3.
enable f16;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);

// @interface, bindings from 3
//   const SUBGROUPS: u32 = 1u
//   const ROW_FRAGMENTS: u32 = 1u
//   const D: u32 = 64u
//   const Dv: u32 = 64u
//   read_write out: array<vec4<u32>>
//   read_write lse: array<f32>
//   uniform params: Params

// @import { Left, Right, Accumulator, K_FRAGMENTS, V_FRAGMENTS, K_WIDTH, V_WIDTH, K_STRIDE, V_STRIDE } from '../../wgsl/attention/fragments.wgsl'
// @import { Params } from '../../wgsl/attention/source.wgsl'
// @import { q, k, v } from '../../wgsl/attention/slot-bindings.wgsl'

const LOWEST = -3.0e38;
const FLOOR = -1.0e30; // under every score, above masked ones
const MAX_GROWTH = 8.0; // log2 of the largest weight
const LOG2_E = 1.4426950408889634;
// @import { capped_four } from '../../wgsl/attention/softcap.wgsl'

const THREADS = SUBGROUPS * 32u;
const ROWS = ROW_FRAGMENTS * 16u;
const SLOTS = 16u; // of a block
const K_LOADS = (SLOTS * K_WIDTH + 31u) / 32u;
const V_LOADS = (SLOTS * V_WIDTH + 31u) / 32u;
const STRIDE = SLOTS / 4u + 1u; // of a row of scores, elements of 4 floats or 8 halves
const TILE = SLOTS * (K_STRIDE + V_STRIDE); // keys, then values

var<workgroup> tiles: array<vec4<u32>, SUBGROUPS * TILE>;
var<workgroup> scores: array<vec4<u32>, SUBGROUPS * ROWS * STRIDE>; // f32 scores, then f16 weights
var<workgroup> growth_slot: u32; // end of the last block in which a maximum grew too much

// @import { load_key, load_value } from '../../wgsl/attention/slot-rows.wgsl'

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

  // Queries as fragments, through the key tile.
  var queries: array<array<Left, K_FRAGMENTS>, ROW_FRAGMENTS>;
  var acc: array<array<Accumulator, V_FRAGMENTS>, ROW_FRAGMENTS>;
  for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
    for (var n = lane; n < 16u * K_WIDTH; n += 32u) {
      let head = first_head + r * 16u + n / K_WIDTH;
      var element = vec4<u32>();
      if (head < G && n % K_WIDTH < D / 8u) {
        element = q[((b * params.T + i) * params.H + kv_head * G + head) * (D / 8u) + n % K_WIDTH];
      }
      tiles[keys_at + (n / K_WIDTH) * K_STRIDE + n % K_WIDTH] = element;
    }
    workgroupBarrier();
    for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
      queries[r][d] = subgroupMatrixLoad<Left, row_major>(&tiles, keys_at + d * 2u, K_STRIDE);
    }
    for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
      acc[r][d] = Accumulator();
    }
    workgroupBarrier();
  }

  // State of this lane's head: maximum in log2 units, sum of weights.
  var maximum = select(-LOWEST, LOWEST, is_row); // rows beyond the last never grow and weigh 0
  var sum = 0.0;
  let scale = params.scale * LOG2_E;
  if (thread == 0u) {
    growth_slot = 0u;
  }
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

    var score: array<Accumulator, ROW_FRAGMENTS>;
    for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
      score[r] = Accumulator();
    }
    for (var d = 0u; d < K_FRAGMENTS; d++) { // @unroll
      let right = subgroupMatrixLoad<Right, col_major>(&tiles, keys_at + d * 2u, K_STRIDE);
      for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
        score[r] = subgroupMatrixMultiplyAccumulate(queries[r][d], right, score[r]);
      }
    }
    for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
      subgroupMatrixStore<row_major>(&scores, score_at + r * 16u * STRIDE, score[r], STRIDE);
    }
    workgroupBarrier();

    // Scores to weights.
    var logits: array<vec4<f32>, SLOTS / 4u>;
    var highest = vec4<f32>(LOWEST);
    for (var c = 0u; c < SLOTS / 4u; c++) { // @unroll
      let at = vec4<u32>(slot + c * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
      let logit = capped_four(bitcast<vec4<f32>>(scores[row_at + c]) * scale, LOG2_E);
      logits[c] = select(vec4<f32>(LOWEST), logit, at < vec4<u32>(params.slots));
      highest = max(highest, logits[c]);
    }
    let grown = max(maximum, max(max(highest.x, highest.y), max(highest.z, highest.w)));
    if (grown > maximum + MAX_GROWTH) {
      growth_slot = slot + SLOTS;
    }
    if (workgroupUniformLoad(&growth_slot) == slot + SLOTS) {
      let rescale = exp2(maximum - grown);
      maximum = grown;
      sum *= rescale;
      if (slot > 0u) {
        for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
          for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
            subgroupMatrixStore<row_major>(&scores, score_at + r * 16u * STRIDE, acc[r][d], STRIDE);
          }
          workgroupBarrier();
          if (lane < ROWS) {
            for (var c = 0u; c < 4u; c++) {
              scores[row_at + c] = bitcast<vec4<u32>>(bitcast<vec4<f32>>(scores[row_at + c]) * rescale);
            }
          }
          workgroupBarrier();
          for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
            acc[r][d] = subgroupMatrixLoad<Accumulator, row_major>(&scores, score_at + r * 16u * STRIDE, STRIDE);
          }
          workgroupBarrier();
        }
      }
    }
    var added = vec4<f32>();
    for (var c = 0u; c < SLOTS / 8u; c++) { // @unroll
      let low = exp2(logits[2u * c] - max(maximum, FLOOR));
      let high = exp2(logits[2u * c + 1u] - max(maximum, FLOOR));
      added += low + high;
      if (lane < ROWS) {
        scores[row_at + c] = vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
      }
    }
    sum += (added.x + added.y) + (added.z + added.w);
    workgroupBarrier();

    for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
      let left = subgroupMatrixLoad<Left, row_major>(&scores, score_at + r * 16u * STRIDE, STRIDE);
      for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
        let right = subgroupMatrixLoad<Right, row_major>(&tiles, values_at + d * 2u, V_STRIDE);
        acc[r][d] = subgroupMatrixMultiplyAccumulate(left, right, acc[r][d]);
      }
    }
    workgroupBarrier();
  }

  // Merge with what earlier sources left.
  let lse_index = (b * params.H + kv_head * G + min(first_head + lane, G - 1u)) * params.T + i;
  var before = LOWEST; // log2 units
  if (params.is_first == 0u && is_row) {
    before = max(lse[lse_index] * LOG2_E, LOWEST);
  }
  let reference = max(max(maximum, before), FLOOR);
  let weight_before = select(0.0, exp2(before - reference), before > LOWEST);
  let weight_new = select(0.0, exp2(maximum - reference), sum > 0.0);
  let total = weight_before + weight_new * sum;
  let normalize = select(0.0, 1.0 / total, total > 0.0);
  if (is_row) {
    lse[lse_index] = select(params.negative_infinity, (reference + log2(total)) / LOG2_E, total > 0.0);
  }
  for (var d = 0u; d < V_FRAGMENTS; d++) { // @unroll
    for (var r = 0u; r < ROW_FRAGMENTS; r++) { // @unroll
      subgroupMatrixStore<row_major>(&scores, score_at + r * 16u * STRIDE, acc[r][d], STRIDE);
    }
    workgroupBarrier();
    for (var c = 0u; c < 2u; c++) {
      if (is_row && d * 2u + c < Dv / 8u) {
        let index = row * (Dv / 8u) + d * 2u + c;
        var low = bitcast<vec4<f32>>(scores[row_at + c * 2u]) * (normalize * weight_new);
        var high = bitcast<vec4<f32>>(scores[row_at + c * 2u + 1u]) * (normalize * weight_new);
        if (weight_before > 0.0) {
          let old = out[index];
          low += vec4<f32>(unpack2x16float(old.x), unpack2x16float(old.y)) * (normalize * weight_before);
          high += vec4<f32>(unpack2x16float(old.z), unpack2x16float(old.w)) * (normalize * weight_before);
        }
        out[index] = vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
      }
    }
    workgroupBarrier();
  }
}
