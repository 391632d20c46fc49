// Product of a few rows with a quantized matrix (decoding): out[m][o] = sum over i of x[m][i] W[o][i], for M <= 4.
// Bound by reading W once: each thread reads whole blocks of COLUMNS rows of W and multiplies them with all rows of x.
// One workgroup = GROUPS * COLUMNS rows of W; LANES threads share a row's blocks. Sums over lanes in a fixed order.
// Workgroup memory: ROWS * GROUPS * LANES * 16 bytes.
// Reference: `dequantizeReference` of @modajs/cpu.

// @interface
//   alias XWord = vec4<u32>            Four numbers: vec4<u32> of f32, vec2<u32> of f16.
//   alias OutElement = f32
//   const X_IS_HALF = false
//   const BITS: u32 = 4u               Words of XWord.
//   const ROWS: u32 = 1u
//   const COLUMNS: u32 = 2u            1, 2 or 4.
//   const LANES: u32 = 32u
//   const GROUPS: u32 = 4u
//   read x: array<XWord>               [M][I] f32 or f16, as words of four numbers
//   read codes: array<vec4<u32>>       [O][I / 32] blocks of 4 (q4_0) or 8 (q8_0) u32
//   read scales: array<u32>            [O][I / 32] f16, two in a word
//   read_write out: array<OutElement>  [M][O]
//   uniform params: Params
//     outputs: u32, blocks: u32, x_offset: u32, codes_offset: u32,
//     scales_offset: u32, out_offset: u32, unused_a: u32, unused_b: u32,

const THREADS: u32 = GROUPS * LANES;
const WORDS: u32 = 4u;

// @import { decode_q4, decode_q8, Eight } from '../wgsl/quantized/decode-block.wgsl'

var<workgroup> partial: array<array<vec4<f32>, ROWS>, THREADS>;

// Numbers 4 * word to 4 * word + 3 of row m.
fn four_of_x(m: u32, word: u32) -> vec4<f32> {
  let bits = x[params.x_offset + m * params.blocks * 8u + word];
  if (X_IS_HALF) { return vec4<f32>(unpack2x16float(bits.x), unpack2x16float(bits.y)); }
  return bitcast<vec4<f32>>(vec4<u32>(bits.xy, bits[BITS - 2u], bits[BITS - 1u]));
}

fn scale_at(block: u32) -> f32 {
  let at = params.scales_offset + block;
  return unpack2x16float(scales[at / 2u] >> (at % 2u * 16u)).x;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let first = ((group.y * groups.x + group.x) * GROUPS + thread / LANES) * COLUMNS;

  // Written out (`@unroll`): arrays stay in registers where every index is a constant.
  var sums: array<vec4<f32>, ROWS>;
  for (var block = lane; block < params.blocks; block += LANES) {
    // Said, not implied: a declaration in a loop is not zeroed again everywhere.
    var parts = array<vec4<f32>, ROWS>();
    var stored: array<vec4<u32>, COLUMNS>;
    // @if q4_0
    for (var c = 0u; c < COLUMNS; c++) { // @unroll
      // A row beyond the last repeats it and is not written.
      stored[c] = codes[params.codes_offset + min(first + c, params.outputs - 1u) * params.blocks + block];
    }
    for (var w = 0u; w < WORDS; w++) { // @unroll
      for (var m = 0u; m < ROWS; m++) { // @unroll
        let low = four_of_x(m, block * 8u + w);
        let high = four_of_x(m, block * 8u + 4u + w);
        for (var c = 0u; c < COLUMNS; c++) { // @unroll
          let eight = decode_q4(stored[c][w]);
          parts[m][c] += dot(low, eight.low) + dot(high, eight.high);
        }
      }
    }
    // @end
    // @if q8_0
    for (var half = 0u; half < 2u; half++) {
      for (var c = 0u; c < COLUMNS; c++) { // @unroll
        let row = min(first + c, params.outputs - 1u);
        stored[c] = codes[params.codes_offset + (row * params.blocks + block) * 2u + half];
      }
      for (var w = 0u; w < WORDS; w++) { // @unroll
        for (var m = 0u; m < ROWS; m++) { // @unroll
          let four = four_of_x(m, block * 8u + half * 4u + w);
          for (var c = 0u; c < COLUMNS; c++) { // @unroll
            parts[m][c] += dot(four, decode_q8(stored[c][w]));
          }
        }
      }
    }
    // @end
    for (var c = 0u; c < COLUMNS; c++) { // @unroll
      let scale = scale_at(min(first + c, params.outputs - 1u) * params.blocks + block);
      for (var m = 0u; m < ROWS; m++) { // @unroll
        sums[m][c] += scale * parts[m][c];
      }
    }
  }
  for (var m = 0u; m < ROWS; m++) { // @unroll
    partial[thread][m] = sums[m];
  }
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      for (var m = 0u; m < ROWS; m++) { partial[thread][m] += partial[thread + half][m]; }
    }
    workgroupBarrier();
  }
  for (var i = lane; i < ROWS * COLUMNS; i += LANES) {
    let column = first + i % COLUMNS;
    if (column < params.outputs) {
      let sum = partial[thread - lane][i / COLUMNS][i % COLUMNS];
      out[params.out_offset + i / COLUMNS * params.outputs + column] = OutElement(sum);
    }
  }
}
