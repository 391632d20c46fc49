// The numbers of a quantized matrix: out[i] = scale * code, rounded once. For products of many rows, which then go the usual way.
// One workgroup = 256 words of codes: 4 (q8_0) or 8 (q4_0) numbers each.
// codes: blocks of 4 (q4_0) or 8 (q8_0) u32; scales: f16 of each block, two in a word.
// Workgroup memory: none. Reference: `dequantizeReference` of @modajs/cpu.

// @interface
//   alias OutWord = vec4<f32>
//   read codes: array<u32>
//   read scales: array<u32>
//   read_write out: array<OutWord>  [O * I] in words of four numbers
//   uniform params: Params
//     words: u32, codes_offset: u32, scales_offset: u32, out_offset: u32,

// @import { decode_q4, decode_q8, Eight } from '../wgsl/quantized/decode-block.wgsl'

fn scale_at(block: u32) -> f32 {
  let at = params.scales_offset + block;
  return unpack2x16float(scales[at / 2u] >> (at % 2u * 16u)).x;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let word = (group.y * groups.x + group.x) * 256u + lane;
  if (word >= params.words) { return; }
  let stored = codes[params.codes_offset + word];
  // @if q4_0
  let scale = scale_at(word / 4u);
  let eight = decode_q4(stored);
  let at = params.out_offset + word / 4u * 8u + word % 4u;
  out[at] = OutWord(scale * eight.low);
  out[at + 4u] = OutWord(scale * eight.high);
  // @end
  // @if q8_0
  out[params.out_offset + word] = OutWord(scale_at(word / 8u) * decode_q8(stored));
  // @end
}
