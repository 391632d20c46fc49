// Chains equal indices: links[j] = the next position with the same index (J when there is none), with bit 31 set where j is
// the first of its chain. Positions whose index is outside 0..N-1 are never first. Makes the scatter deterministic without atomics.
// One workgroup = 4 rows of 64 lanes; one row = 8 positions, held in registers and compared with all others: a lane reads every
// 64th block of WIDTH indices. Repeats of a frequent word are no rare event in 2,048 comparisons of 32 lanes, so a hit must not
// branch: blocks are read from the last to the first, and the last hit stays.
// Workgroup memory: 2,048 blocks = 8 KiB. Reference: `chained` of gather.gpu.test.ts.

// @interface
//   alias Block = i32
//   override WIDTH: u32 = 1u      Indices of a block: 4, where J and the offset are multiples of 4, or 1.
//   read index: array<Block>      [J] i32, in blocks
//   read_write links: array<u32>  [J]
//   uniform params: Params
//     J: u32, N: u32, index_offset: u32, unused: u32,

const FIRST = 0x80000000u;
const NONE = 0x7fffffffu;
const LANES = 64u;
const POSITIONS = 8u;

var<workgroup> merged: array<u32, 2048>;

// The nearest block for each of 8 positions.
struct Nearest {
  low: vec4<u32>,
  high: vec4<u32>,
}

// A block's indices; a single one four times, which costs nothing: equal comparisons are made once.
fn block_at(block: u32) -> vec4<i32> {
  return vec4<i32>(index[params.index_offset / WIDTH + block]);
}

fn index_at(position: u32) -> i32 {
  return block_at(position / WIDTH)[position % WIDTH];
}

fn indices_at(position: vec4<u32>) -> vec4<i32> {
  return vec4(index_at(position.x), index_at(position.y), index_at(position.z), index_at(position.w));
}

fn is_in(own: vec4<i32>, block: vec4<i32>) -> vec4<bool> {
  return (own == block.xxxx) | (own == block.yyyy) | (own == block.zzzz) | (own == block.wwww);
}

// The first of the blocks begin..end-1 that this lane reads in which each position's index stands.
fn nearest(own_low: vec4<i32>, own_high: vec4<i32>, begin: u32, end: u32, lane: u32) -> Nearest {
  var found = Nearest(vec4(NONE), vec4(NONE));
  for (var at = i32(end) - 1 - i32(lane); at >= i32(begin); at -= i32(LANES)) {
    let block = block_at(u32(at));
    found.low = select(found.low, vec4(u32(at)), is_in(own_low, block));
    found.high = select(found.high, vec4(u32(at)), is_in(own_high, block));
  }
  return found;
}

// Of two results for a position: the nearer block; first where both are.
fn merge(a: u32, b: u32) -> u32 {
  return min(a & NONE, b & NONE) | (a & b & FIRST);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let row = thread / LANES;
  let base = ((group.y * groups.x + group.x) * (256u / LANES) + row) * POSITIONS;
  let last = params.J - 1u;
  let own_low = indices_at(min(vec4(base) + vec4(0u, 1u, 2u, 3u), vec4(last)));
  let own_high = indices_at(min(vec4(base) + vec4(4u, 5u, 6u, 7u), vec4(last)));
  // The positions themselves are compared with each other below.
  let earlier = nearest(own_low, own_high, 0u, min(base, params.J) / WIDTH, lane);
  let later = nearest(own_low, own_high, (base + POSITIONS) / WIDTH, params.J / WIDTH, lane);
  let low = later.low | select(vec4(0u), vec4(FIRST), earlier.low == vec4(NONE));
  let high = later.high | select(vec4(0u), vec4(FIRST), earlier.high == vec4(NONE));

  // [row][position][lane]; then 8 lanes a position merge 8 each, and one of them the 8 results.
  let of_row = row * POSITIONS * LANES;
  for (var p = 0u; p < 4u; p++) {
    merged[of_row + p * LANES + lane] = low[p];
    merged[of_row + (p + 4u) * LANES + lane] = high[p];
  }
  workgroupBarrier();
  let part = of_row + lane / 8u * LANES + lane % 8u;
  var found = merged[part];
  for (var i = 1u; i < 8u; i++) {
    found = merge(found, merged[part + 8u * i]);
  }
  // Nobody else reads or writes the place.
  merged[part] = found;
  workgroupBarrier();
  let j = base + lane;
  if (lane >= POSITIONS || j >= params.J) {
    return;
  }
  found = NONE | FIRST;
  for (var i = 0u; i < 8u; i++) {
    found = merge(found, merged[of_row + lane * LANES + i]);
  }
  let own = index_at(j);
  var is_first = (found & FIRST) != 0u && own >= 0 && u32(own) < params.N;
  var next = params.J;
  if ((found & NONE) != NONE) {
    let begin = (found & NONE) * WIDTH;
    for (var at = begin + WIDTH; at > begin; at--) {
      next = select(next, at - 1u, index_at(at - 1u) == own);
    }
  }
  for (var at = min(base + POSITIONS, params.J); at > base; at--) {
    let other = at - 1u;
    let is_same = index_at(other) == own;
    is_first = is_first && !(is_same && other < j);
    next = select(next, other, is_same && other > j);
  }
  links[j] = next | select(0u, FIRST, is_first);
}
