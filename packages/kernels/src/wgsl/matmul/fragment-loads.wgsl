// Operands of the product on subgroup matrices: 8 halves at a row and column of a stored matrix, zero outside it.
// Expects of the importer: RAGGED, A_WIDTH, B_WIDTH, the bindings a, b and params.

// Two halves of a row that starts anywhere; those at `left` and beyond are zero.
fn pair_of_a(index: u32, left: u32) -> u32 {
  var pair = 0u;
  if (left > 0u) { pair = (vec4<u32>(a[index / 2u]).x >> (index % 2u * 16u)) & 0xffffu; }
  if (left > 1u) { pair |= (vec4<u32>(a[(index + 1u) / 2u]).x >> ((index + 1u) % 2u * 16u)) << 16u; }
  return pair;
}

fn pair_of_b(index: u32, left: u32) -> u32 {
  var pair = 0u;
  if (left > 0u) { pair = (vec4<u32>(b[index / 2u]).x >> (index % 2u * 16u)) & 0xffffu; }
  if (left > 1u) { pair |= (vec4<u32>(b[(index + 1u) / 2u]).x >> ((index + 1u) % 2u * 16u)) << 16u; }
  return pair;
}

// 8 halves at (row, column) of a stored matrix of `rows` x `columns`; zero outside, but for a row's last 8 along M or N, which may hold
// what lies between rows: it makes rows and columns that are not written.
fn load_a(base: u32, row: u32, column: u32, rows: u32, columns: u32) -> vec4<u32> {
  if (RAGGED && (row >= rows || column >= columns)) { return vec4<u32>(); }
  let index = base + row * params.a_ld + column;
  if (A_WIDTH == 8u) { return vec4<u32>(a[index >> 3u]); }
  let left = columns - column;
  return vec4<u32>(
    pair_of_a(index, left),
    pair_of_a(index + 2u, max(left, 2u) - 2u),
    pair_of_a(index + 4u, max(left, 4u) - 4u),
    pair_of_a(index + 6u, max(left, 6u) - 6u),
  );
}

fn load_b(base: u32, row: u32, column: u32, rows: u32, columns: u32) -> vec4<u32> {
  if (RAGGED && (row >= rows || column >= columns)) { return vec4<u32>(); }
  let index = base + row * params.b_ld + column;
  if (B_WIDTH == 8u) { return vec4<u32>(b[index >> 3u]); }
  let left = columns - column;
  return vec4<u32>(
    pair_of_b(index, left),
    pair_of_b(index + 2u, max(left, 2u) - 2u),
    pair_of_b(index + 4u, max(left, 4u) - 4u),
    pair_of_b(index + 6u, max(left, 6u) - 6u),
  );
}
