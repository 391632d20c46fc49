// Fills a buffer with reproducible numbers that f16 holds exactly: ((hash & 1023) - 512) / 256 * amplitude, amplitude a power of two.
//
// One thread = one 32-bit word (one f32 or two f16), `first_word` words into the operand. words: any buffer. Reference: random-value.ts.

// @interface
//   read_write words: array<u32>
//   uniform params: Params
//     n_words: u32, seed: u32, is_half: u32, amplitude: f32, first_word: u32,

fn value(index: u32) -> f32 {
  var state = (index ^ params.seed) * 747796405u + 2891336453u;
  state = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  state = (state >> 22u) ^ state;
  return (f32(state & 1023u) - 512.0) / 256.0 * params.amplitude;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 256u + thread;
  if (index >= params.n_words) {
    return;
  }
  let word = params.first_word + index;
  if (params.is_half != 0u) {
    words[index] = pack2x16float(vec2<f32>(value(word * 2u), value(word * 2u + 1u)));
  } else {
    words[index] = bitcast<u32>(value(word));
  }
}
