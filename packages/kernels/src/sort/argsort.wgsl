// One pass of a stable merge sort of the indices of each row: neighbouring sorted runs of `width` become one of twice as many. An
// element's place is its own rank in its run and the number of elements of the other run in front of it, found by bisection.
// One workgroup = 256 elements. NaN counts as the largest and -0 as 0, as in PyTorch. Workgroup memory: none.
// Reference: argsortReference of @modajs/cpu.

// @interface
//   alias Element = u32           u32 for 32 bits of any kind, which no device rounds on the way.
//   alias Source = u32
//   override KIND: u32 = 0u       0: floats; 1: i32; 2: u32.
//   override DESCENDING: bool = false
//   read x: array<Element>        [rows, N]
//   read before: array<u32>       [rows, N], indices by runs (first pass: unread, for runs of one)
//   read_write after: array<u32>  [rows, N]
//   uniform params: Params
//     rows: u32, N: u32, width: u32, is_first: u32,
//     x_offset: u32, before_offset: u32, after_offset: u32, unused: u32,

// An unsigned number in the order of the element at x[at].
fn key_at(at: u32) -> u32 {
  let bits = bitcast<u32>(Source(x[params.x_offset + at]));
  var key = bits;
  if (KIND == 1u) {
    key = bits ^ 0x80000000u;
  } else if (KIND == 0u) {
    let size = bits & 0x7fffffffu;
    key = select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
    key = select(key, 0x80000000u, size == 0u);
    key = select(key, 0xffffffffu, size > 0x7f800000u);
  }
  return select(key, ~key, DESCENDING);
}

// The index at place `at` of the row that begins at `base`.
fn index_at(base: u32, at: u32) -> u32 {
  if (params.is_first != 0u) {
    return at;
  }
  return before[params.before_offset + base + at];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = (group.y * groups.x + group.x) * 256u + lane;
  if (item >= params.rows * params.N) {
    return;
  }
  let place = item % params.N;
  let base = item - place;
  let start = place / (2u * params.width) * (2u * params.width);
  let middle = min(start + params.width, params.N);
  let end = min(middle + params.width, params.N);
  let index = index_at(base, place);
  let key = key_at(base + index);
  let isLeft = place < middle;
  // Of equal elements those of the left run come first.
  var low = select(start, middle, isLeft);
  let other = low;
  var high = select(middle, end, isLeft);
  while (low < high) {
    let at = (low + high) / 2u;
    let found = key_at(base + index_at(base, at));
    if (found < key || (found == key && !isLeft)) {
      low = at + 1u;
    } else {
      high = at;
    }
  }
  let rank = place - select(middle, start, isLeft);
  after[params.after_offset + base + start + rank + low - other] = index;
}
