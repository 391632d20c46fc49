// How numbers travel between workgroups: words of `exchange` that carry their own tag (decode-blocks.wgsl says how), and 16-byte words
// of weights and caches as numbers. Expects of the importer: the sizes, tags and bindings of decode-blocks.wgsl.

fn send(index: u32, value: f32) {
  var bits = select(bitcast<u32>(value), 0x7fc00000u, is_dead);
  // To the nearest; infinity and NaN stay what they are.
  if ((bits & 0x7f800000u) != 0x7f800000u) { bits += 1u; }
  atomicStore(&exchange[index], (bits & 0xfffffffeu) | tag);
}

fn is_due(word: u32, due: u32) -> bool {
  return (word & 1u) == due;
}

fn number(word: u32) -> f32 {
  return bitcast<f32>(word & 0xfffffffeu);
}

fn polls() -> u32 {
  return select(POLLS, 1u, is_dead);
}

// Where scalar `c` of a row of `words` words lies when its first and second fours are kept apart, so that lanes hit all banks.
fn place(c: u32, words: u32) -> u32 {
  if (!IS_HALF) { return c; }
  let four = c / 4u;
  return ((four & 1u) * words + (four >> 1u)) * 4u + c % 4u;
}

// Where hidden number `c` travels: lanes side by side.
fn hidden_place(c: u32) -> u32 {
  return (c % VALUES) * F_WORDS + c / VALUES;
}

fn weight_word(storage: u32, index: u32) -> vec4<u32> {
  if (STORAGES > 3u && storage == 3u) { return w3[index]; }
  if (STORAGES > 2u && storage == 2u) { return w2[index]; }
  if (STORAGES > 1u && storage == 1u) { return w1[index]; }
  return w0[index];
}

fn floats(bits: vec4<u32>) -> array<vec4<f32>, FOURS> {
  var values: array<vec4<f32>, FOURS>;
  if (IS_HALF) {
    values[0] = vec4(unpack2x16float(bits.x), unpack2x16float(bits.y));
    values[FOURS - 1u] = vec4(unpack2x16float(bits.z), unpack2x16float(bits.w));
  } else {
    values[0] = bitcast<vec4<f32>>(bits);
  }
  return values;
}

fn bits_of(values: array<vec4<f32>, FOURS>) -> vec4<u32> {
  if (!IS_HALF) { return bitcast<vec4<u32>>(values[0]); }
  let second = values[FOURS - 1u];
  return vec4(
    pack2x16float(values[0].xy), pack2x16float(values[0].zw), pack2x16float(second.xy), pack2x16float(second.zw),
  );
}

// Sums of four numbers over a subgroup: lane i < 4 gets component `row_of_lane(i)`.
fn sum_four(values: vec4<f32>) -> f32 {
  let is_odd = (thread & 1u) != 0u;
  let two = select(values.xy, values.zw, is_odd) + subgroupShuffleXor(select(values.zw, values.xy, is_odd), 1u);
  let is_second = (thread & 2u) != 0u;
  var one = select(two.x, two.y, is_second) + subgroupShuffleXor(select(two.y, two.x, is_second), 2u);
  for (var step = 4u; step < SUBGROUP; step *= 2u) { one += subgroupShuffleXor(one, step); }
  return one;
}

fn row_of_lane(lane: u32) -> u32 {
  return (lane & 1u) * 2u + (lane >> 1u);
}

// Where row `row` of a head begins in `numbers`.
fn start_of(row: u32, head: u32) -> u32 {
  if (row < G) { return (head * G + row) * D; }
  if (row == TOKEN_KEY) { return A + head * D; }
  if (row == FFN_KEY) { return FFN_KV_NUMBERS + head * D; }
  return SLOT_NUMBERS + head * D;
}

fn left_of(i: u32) -> u32 {
  return select(i, 2u * i, IS_INTERLEAVED);
}

fn right_of(i: u32) -> u32 {
  return select(i + D / 2u, 2u * i + 1u, IS_INTERLEAVED);
}

fn vector_at(i: u32) -> f32 {
  return vectors[i / 4u][i % 4u];
}
