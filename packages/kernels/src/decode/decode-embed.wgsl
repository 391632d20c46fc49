// The input of the first block: out[c] = table[token][c], for the token in `state`.
// One workgroup of 256 threads = all C. state: i32 (position, token, step, unused).
// A token outside 0..V-1 gives NaN. Reference: decode-reference.ts.

// @interface
//   alias Element = f32
//   read state: array<i32>
//   read table: array<Element>  [V][C]
//   read_write out: array<f32>  [C]
//   uniform params: Params
//     C: u32, V: u32, table_start: u32, unused: u32,

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) thread: u32) {
  let token = u32(state[1]);
  for (var c = thread; c < params.C; c += 256u) {
    if (token < params.V) {
      out[c] = f32(table[params.table_start + token * params.C + c]);
    } else {
      out[c] = bitcast<f32>(0x7fc00000u | params.unused);
    }
  }
}
