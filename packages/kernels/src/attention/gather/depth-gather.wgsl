// Gradients of SLOTS neighbouring depth slots from what the layers that read them left behind (MoDA backward, deferred):
//   dK[s] (+)= sum_r scale_r sum_g dS_r[g,s] q_r[g],   dV[s] (+)= sum_r sum_g p_r[g,s] dOut_r[g]
// over readers r and the G heads g of a key/value head, in f32; added to the outputs only when `accumulate`.
//
// One thread = 16 bytes of columns of dK or of dV (half a workgroup each, so that whole subgroups branch alike) of one (b, t, kv_head);
// it streams the rows of all readers, READERS of them in flight.
// q [readers,B,T,H,D], d_out [readers,B,T,H,Dv], dk [SLOTS,B,T,Hkv,D], dv [SLOTS,B,T,Hkv,Dv] as 16 bytes an element;
// pairs: (p, dS) of [slots,B,T,H] from each reader's start on, two halves a word or two words. No workgroup memory.
// Reference: attention-reference.ts; docs/decisions/020.

// @interface
//   const BYTES: u32 = 2u
//   const SLOTS: u32 = 2u
//   const READERS: u32 = 4u
//   const D: u32 = 64u
//   const Dv: u32 = 64u
//   read q: array<vec4<u32>>
//   read d_out: array<vec4<u32>>
//   read pairs: array<u32>
//   read_write dk: array<vec4<u32>>
//   read_write dv: array<vec4<u32>>
//   uniform params: Params
//     positions: u32, H: u32, Hkv: u32, n_readers: u32,  positions: B * T
//     accumulate: u32, pad_0: u32, pad_1: u32, pad_2: u32,
//     readers: array<vec4<u32>, MAX_READERS>,            index on the first axis of q and d_out, first pair of the first slot, bits of the scale

const MAX_READERS = 256u;

const THREADS = 128u;
const UNITS = THREADS / 2u;
// @import { WIDTH, element_of } from '../../wgsl/attention/slot-elements.wgsl'
const PARTS = WIDTH / 4u;
const K_WIDTH = D / WIDTH;
const V_WIDTH = Dv / WIDTH;
const COLUMNS = max(K_WIDTH, V_WIDTH);

// Four numbers of an element.
fn part(element: vec4<u32>, p: u32) -> vec4<f32> {
  if (BYTES == 4u) {
    return bitcast<vec4<f32>>(element);
  }
  let words = select(element.xy, element.zw, p == 1u);
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}

// p (for values) or dS (for keys) of a pair.
fn part_of_pair(index: u32, is_value: bool) -> f32 {
  if (BYTES == 4u) {
    return bitcast<f32>(pairs[index * 2u + select(1u, 0u, is_value)]);
  }
  return unpack2x16float(pairs[index] >> select(16u, 0u, is_value)).x;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let is_value = thread >= UNITS;
  let unit = (group.y * groups.x + group.x) * UNITS + thread % UNITS; // ((b * T + t) * Hkv + kv_head) * COLUMNS + column
  let Hkv = params.Hkv;
  let G = params.H / Hkv;
  let width = select(K_WIDTH, V_WIDTH, is_value);
  let column = unit % COLUMNS;
  if (unit >= params.positions * Hkv * COLUMNS || column >= width) {
    return;
  }
  let key = unit / COLUMNS; // of a slot
  let row = (key / Hkv) * params.H + (key % Hkv) * G; // the group's first query head in q, d_out and pairs of one reader and slot
  let slot_pairs = params.positions * params.H;

  var sum: array<vec4<f32>, SLOTS * PARTS>;
  for (var first = 0u; first < params.n_readers; first += READERS) {
    for (var g = 0u; g < G; g++) {
      var rows: array<vec4<u32>, READERS>;
      var factors: array<f32, READERS * SLOTS>;
      let at = row + g;
      if (is_value) {
        for (var r = 0u; r < READERS; r++) { // @unroll
          let reader = params.readers[min(first + r, params.n_readers - 1u)];
          rows[r] = d_out[(reader.x * slot_pairs + at) * V_WIDTH + column];
        }
      } else {
        for (var r = 0u; r < READERS; r++) { // @unroll
          let reader = params.readers[min(first + r, params.n_readers - 1u)];
          rows[r] = q[(reader.x * slot_pairs + at) * K_WIDTH + column];
        }
      }
      for (var r = 0u; r < READERS; r++) { // @unroll
        let reader = params.readers[min(first + r, params.n_readers - 1u)];
        let scale = select(bitcast<f32>(reader.z), 1.0, is_value);
        let factor = select(0.0, scale, first + r < params.n_readers);
        for (var s = 0u; s < SLOTS; s++) { // @unroll
          factors[r * SLOTS + s] = part_of_pair(reader.y + s * slot_pairs + at, is_value) * factor;
        }
      }
      for (var r = 0u; r < READERS; r++) { // @unroll
        for (var p = 0u; p < PARTS; p++) { // @unroll
          let numbers = part(rows[r], p);
          for (var s = 0u; s < SLOTS; s++) { // @unroll
            sum[s * PARTS + p] += factors[r * SLOTS + s] * numbers;
          }
        }
      }
    }
  }

  let first_place = key * width + column;
  let slot_places = params.positions * Hkv * width;
  // All that is added to is read before the first write.
  var olds: array<vec4<u32>, SLOTS>;
  if (params.accumulate != 0u) {
    for (var s = 0u; s < SLOTS; s++) { // @unroll
      if (is_value) {
        olds[s] = dv[s * slot_places + first_place];
      } else {
        olds[s] = dk[s * slot_places + first_place];
      }
    }
  }
  for (var s = 0u; s < SLOTS; s++) { // @unroll
    let low = sum[s * PARTS] + part(olds[s], 0u);
    let high = sum[s * PARTS + PARTS - 1u] + part(olds[s], PARTS - 1u);
    if (is_value) {
      dv[s * slot_places + first_place] = element_of(low, high);
    } else {
      dk[s * slot_places + first_place] = element_of(low, high);
    }
  }
}
