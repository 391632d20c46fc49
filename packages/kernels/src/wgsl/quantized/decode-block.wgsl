// Codes of quantized matrices as numbers, without their scale. Exact, and without conversions of integers, which GPUs do slowly: a
// code in the low bits of 2^23's mantissa is 2^23 + code, in higher ones 2^23 + code * 2^shift.

const MAGIC = 0x4b000000u;
const TWO_23 = 8388608.0;

// Numbers 4w to 4w + 3 (low halves) and 16 + 4w to 16 + 4w + 3 (high halves) of a Q4_0 block, from its word w.
struct Eight { low: vec4<f32>, high: vec4<f32> }

fn decode_q4(word: u32) -> Eight {
  let halves = vec4<u32>(word, word, word >> 16u, word >> 16u);
  let low = bitcast<vec4<f32>>((halves & vec4<u32>(0xfu, 0xf00u, 0xfu, 0xf00u)) | vec4<u32>(MAGIC));
  let high = bitcast<vec4<f32>>((halves & vec4<u32>(0xf0u, 0xf000u, 0xf0u, 0xf000u)) | vec4<u32>(MAGIC));
  let low_step = vec4<f32>(1.0, 0.00390625, 1.0, 0.00390625);
  let high_step = vec4<f32>(0.0625, 0.000244140625, 0.0625, 0.000244140625);
  return Eight(low * low_step - (TWO_23 * low_step + 8.0), high * high_step - (TWO_23 * high_step + 8.0));
}

// The four signed bytes of a word.
fn decode_q8(word: u32) -> vec4<f32> {
  let flipped = word ^ 0x80808080u;
  let halves = vec4<u32>(flipped, flipped, flipped >> 16u, flipped >> 16u);
  let codes = bitcast<vec4<f32>>((halves & vec4<u32>(0xffu, 0xff00u, 0xffu, 0xff00u)) | vec4<u32>(MAGIC));
  let step = vec4<f32>(1.0, 0.00390625, 1.0, 0.00390625);
  return codes * step - (TWO_23 * step + 128.0);
}
