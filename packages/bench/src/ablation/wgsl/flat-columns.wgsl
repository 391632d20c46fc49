// Columns of the sequence and of the flattened depth stream: column m = p * S + s of the depth is slot s of position p.
// Expects of the importer: D, the binding params.

// @interface
//   override CHUNK_RANGE: bool = false

const TILE = 32u;

const THREADS = 64u;

const WIDTH = D / 4u;

const STRIDE = WIDTH + 1u;

const CHUNKS = (WIDTH + 7u) / 8u;

// Where a column's key starts, in heads; columns beyond the last repeat it.
fn column_at(is_depth: bool, column: u32, kv_head: u32) -> u32 {
  if (is_depth) {
    let m = min(column, params.T * params.S - 1u);
    return ((m % params.S) * params.T + m / params.S) * params.Hkv + kv_head;
  }
  return min(column, params.T - 1u) * params.Hkv + kv_head;
}

fn sees(is_depth: bool, column: u32, i: u32) -> bool {
  if (is_depth) {
    return column < params.T * params.S && column / params.S == i;
  }
  return column <= i;
}
