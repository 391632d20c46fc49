// One token through all blocks of a transformer in one dispatch: embedding, then for each block q, k, v; attention; output;
// gate and up; down. What decode-product.wgsl and decode-attention.wgsl do in five kernels a block, without their gaps.
// Workgroups must all be resident at once (resident-workgroups.wgsl counts how many are): they wait for each other's numbers.
//
// How numbers travel: each f32 is one atomic word whose lowest bit is a tag, the parity of the word's uses. A reader polls the
// word until its tag is the one that is due: relaxed atomics suffice, for a word orders nothing but itself. Every word is
// written at every use, so that a reader can meet only the use before. Waits are bounded: past POLLS the workgroup gives up,
// everything ends quickly, and the results are NaN.
//
// One workgroup = rows [w * R, (w + 1) * R) of each product, and of the attention the units w, w + W, ..: a unit is one key/value
// head (its G query heads) and one split of the keys. Split 0 takes the depth slots and the token itself and does all writes.
// A product's row is divided over LANES threads, a word each at a time; GROUPS rows at a time. Weights of a product
// are fetched before its input is waited for.
// Activations: `x`, the residual sum, lies in the registers of every group's lanes, whole in each group.
//
// state: i32 (position, token, step, unused). vectors: f32 norm weights and biases. weights: up to four storages of matrices [N][K].
// cache_k, cache_v: of all blocks, [capacity][Hkv][D] each. depth_k, depth_v: [slots][Hkv][D].
// exchange: control (tokens so far, whether a wait found no end, unused, unused), then regions: q, k, v and the slot's own k, v
// [A + 4 * KV]; the attention's sums [SPLITS][A] and log-sum-exps [SPLITS][H], not of the first split; merged [A]; after the output
// matrix [C]; hidden [F + 2 * KV]; the FFN's output [C]. x_out, y_out: f32 [C], the last residual sum and what is still to be added.
// Workgroup memory: (max(C, A) + 2 * PARTIALS + 5 * SUBGROUPS + NUMBERS + (G + 3) * D + SUBGROUPS * G * (D + 2)) * 4 bytes.
// Reference: decode-reference.ts; Hu et al., "Demystifying NCCL" (the LL protocol) for words that carry their own flag.
enable subgroups;

const IS_HALF = false; // @specialize
const THREADS: u32 = 128u; // @specialize
const SUBGROUP: u32 = 8u; // @specialize
const C: u32 = 64u; // @specialize
const F: u32 = 128u; // @specialize
const H: u32 = 4u; // @specialize
const HKV: u32 = 2u; // @specialize
const D: u32 = 16u; // @specialize
const LAYERS: u32 = 1u; // @specialize
const SPLITS: u32 = 2u; // @specialize
// Workgroups of the dispatch.
const W: u32 = 1u; // @specialize
// Storages of weights.
const STORAGES: u32 = 1u; // @specialize
// Depth slots' own projections: of the attention, of the FFN.
const HAS_OWN = false; // @specialize
const HAS_FRESH = false; // @specialize
const HAS_DEPTH = false; // @specialize
// 0: x + f(norm x), 1: norm(x + f x), 2: x + norm(f x).
const NORM: u32 = 1u; // @specialize
// 0: none, 1: over all heads together, 2: over each head.
const QK_NORM: u32 = 1u; // @specialize
const IS_ROTARY = true; // @specialize
const IS_INTERLEAVED = false; // @specialize
const NORM_DEPTH = true; // @specialize
const ROTATE_DEPTH = true; // @specialize
const AHEAD: u32 = 2u; // @specialize
const POLLS: u32 = 2097152u; // @specialize
// Whether subgroups of a workgroup run one after the other up to each barrier (software): what one waits for, another must have sent.
const TAKES_TURNS = false; // @specialize

const VALUES: u32 = select(4u, 8u, IS_HALF);
const FOURS: u32 = VALUES / 4u;
const G: u32 = H / HKV;
const A: u32 = H * D;
const KV: u32 = HKV * D;
const SUBGROUPS: u32 = THREADS / SUBGROUP;

// Words of a row, lanes that share it, words of a lane, rows at a time; and the subgroups of a row.
const C_WORDS: u32 = C / VALUES;
const C_LANES: u32 = 32u; // @specialize
const C_STEPS: u32 = C_WORDS / C_LANES;
const C_GROUPS: u32 = THREADS / C_LANES;
const A_WORDS: u32 = A / VALUES;
const A_LANES: u32 = 32u; // @specialize
const A_STEPS: u32 = A_WORDS / A_LANES;
const A_GROUPS: u32 = THREADS / A_LANES;
const F_WORDS: u32 = F / VALUES;
const F_LANES: u32 = 32u; // @specialize
const F_STEPS: u32 = F_WORDS / F_LANES;
const F_GROUPS: u32 = THREADS / F_LANES;

// Rows of a workgroup and of a group, for each product.
const RAW: u32 = A + 2u * KV + select(0u, 2u * KV, HAS_OWN);
const RAW_ROWS: u32 = (RAW + W - 1u) / W;
const RAW_TURNS: u32 = (RAW_ROWS + C_GROUPS - 1u) / C_GROUPS;
const OUT_ROWS: u32 = (C + W - 1u) / W;
const OUT_TURNS: u32 = (OUT_ROWS + A_GROUPS - 1u) / A_GROUPS;
const PAIR_ROWS: u32 = (F + W - 1u) / W;
const PAIR_TURNS: u32 = (PAIR_ROWS + C_GROUPS - 1u) / C_GROUPS;
const FRESH: u32 = select(0u, 2u * KV, HAS_FRESH);
const FRESH_ROWS: u32 = (FRESH + W - 1u) / W;
const FRESH_TURNS: u32 = (FRESH_ROWS + C_GROUPS - 1u) / C_GROUPS;
const DOWN_TURNS: u32 = (OUT_ROWS + F_GROUPS - 1u) / F_GROUPS;
// Sums of vec4 size, rounded up.
const RAW_FOURS: u32 = (RAW_TURNS + 3u) / 4u;
const OUT_FOURS: u32 = (OUT_TURNS + 3u) / 4u;
const PAIR_FOURS: u32 = (PAIR_TURNS + 3u) / 4u;
const FRESH_FOURS: u32 = (FRESH_TURNS + 3u) / 4u;
const DOWN_FOURS: u32 = (DOWN_TURNS + 3u) / 4u;
// Partial sums of the widest product.
const PARTIALS: u32 = 256u; // @specialize
const INPUT: u32 = max(C, A);

// Regions of `exchange`.
const RAW_AT: u32 = 4u;
const SUMS_AT: u32 = RAW_AT + A + 4u * KV;
const LOGS_AT: u32 = SUMS_AT + SPLITS * A;
const MERGED_AT: u32 = LOGS_AT + SPLITS * H;
const ATTENTION_AT: u32 = MERGED_AT + A;
const HIDDEN_AT: u32 = ATTENTION_AT + C;
const FRESH_AT: u32 = HIDDEN_AT + F;
const FFN_AT: u32 = FRESH_AT + 2u * KV;

// Numbers of a unit: all of q and k, the head's v; then of the fresh and of the own slot all of k and the head's v.
const FRESH_NUMBERS: u32 = A + KV + D;
const SLOT_NUMBERS: u32 = FRESH_NUMBERS + KV + D;
const NUMBERS: u32 = select(FRESH_NUMBERS, SLOT_NUMBERS + KV + D, HAS_DEPTH);
// Splits that are waited for together.
const TOGETHER: u32 = 4u;
const ROWS: u32 = G + 3u;
const OWN_KEY: u32 = G;
const FRESH_KEY: u32 = G + 1u;
const SLOT_KEY: u32 = G + 2u;
const KEY_LANES: u32 = D / VALUES;
const KEYS: u32 = THREADS / KEY_LANES;
const NONE = 0xffffffffu;
const LOWEST = -3.0e38;
// Matrices of a block: q, k, v, own k and v, output, gate, up, FFN k and v, down.
const Q = 0u;
const OUT = 4u;
const GATE = 5u;
const UP = 6u;
const FFN_KV = 7u;
const DOWN = 8u;

// Where things of one block lie. Matrices: (first word, storage, first bias in `vectors` or NONE, unused).
struct Block {
  matrices: array<vec4<u32>, 9>,
  // Norm weights in `vectors`: at the attention's input, at the FFN's, of q, of k.
  norms: vec4<u32>,
  // Norm weight of the fresh slot's key, first word of the block's keys and of its values in their caches, start of the own slot in raw.
  places: vec4<u32>,
  // First and last + 1 slot to read, the slot of the previous FFN (or NONE), the slot that this block's attention fills (or NONE).
  slots: vec4<u32>,
}

struct Params {
  eps: f32, scale: f32, table_word: u32, keys_a_split: u32,
  frequencies: array<vec4<f32>, 64>,
  blocks: array<Block, LAYERS>,
}

@group(0) @binding(0) var<storage, read> state: array<i32>;
@group(0) @binding(1) var<storage, read> table: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> w0: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> w1: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> w2: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> w3: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> cache_k: array<vec4<u32>>;
@group(0) @binding(8) var<storage, read_write> cache_v: array<vec4<u32>>;
@group(0) @binding(9) var<storage, read_write> depth_k: array<vec4<u32>>;
@group(0) @binding(10) var<storage, read_write> depth_v: array<vec4<u32>>;
@group(0) @binding(11) var<storage, read_write> exchange: array<atomic<u32>>;
@group(0) @binding(12) var<storage, read_write> x_out: array<vec4<f32>>;
@group(0) @binding(13) var<storage, read_write> y_out: array<f32>;
@group(0) @binding(14) var<uniform> params: Params;

// A product's input, fours of a word apart (see `place`); in the attention q, k of all heads.
var<workgroup> staged: array<vec4<f32>, INPUT / 4u>;
var<workgroup> partial: array<array<f32, PARTIALS>, 2>;
var<workgroup> squares: array<f32, SUBGROUPS>;
var<workgroup> totals: array<vec4<f32>, SUBGROUPS>;
// What one unit of the attention reads of q, k, v, and of the two slots to be written: see NUMBERS.
var<workgroup> numbers: array<f32, NUMBERS>;
// q rows times scale, then the token's key, the fresh FFN key, the key of the own slot: normalised and rotated.
var<workgroup> rows: array<f32, ROWS * D>;
var<workgroup> sums_of: array<f32, SUBGROUPS * G * D>;
var<workgroup> statistics_of: array<vec2<f32>, SUBGROUPS * G>;

var<private> is_dead: bool;
var<private> thread: u32;
// The tag of this block's words, and of the previous block's.
var<private> tag: u32;
var<private> previous_tag: u32;
// Residual columns of this lane: words lane, lane + C_LANES, ..
var<private> x: array<vec4<f32>, C_STEPS * FOURS>;

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

// Waits for `THREADS * turns` words from `start` (at most `count` of them) and stages them as they come.
fn stage_row(start: u32, count: u32, due: u32) {
  let last = count - 1u;
  for (var base = 0u; base < count; base += THREADS * 2u) {
    let a = min(base + thread, last);
    let b = min(base + THREADS + thread, last);
    var first = 0u;
    var second = 0u;
    let limit = polls();
    var tries = 0u;
    for (; tries < limit; tries++) {
      first = atomicLoad(&exchange[start + a]);
      second = atomicLoad(&exchange[start + b]);
      if (is_due(first, due) && is_due(second, due)) { break; }
    }
    if (tries == limit) { is_dead = true; }
    if (base + thread < count) { staged[a / 4u][a % 4u] = number(first); }
    if (base + THREADS + thread < count) { staged[b / 4u][b % 4u] = number(second); }
  }
}

fn dot_words(bits: vec4<u32>, first: vec4<f32>, second: vec4<f32>) -> f32 {
  if (!IS_HALF) { return dot(bitcast<vec4<f32>>(bits), first); }
  return dot(vec4<f32>(unpack2x16float(bits.x), unpack2x16float(bits.y)), first)
    + dot(vec4<f32>(unpack2x16float(bits.z), unpack2x16float(bits.w)), second);
}

// Total of `squares` over the subgroups of the first group: what all groups have alike.
fn total_squares() -> f32 {
  var total = 0.0;
  for (var i = 0u; i < C_LANES / SUBGROUP; i++) { total += squares[i]; }
  return total;
}

fn scale_of(total: f32) -> f32 {
  return 1.0 / sqrt(total / f32(C) + params.eps);
}

fn bias_of(block: u32, matrix: u32, row: u32) -> f32 {
  let start = params.blocks[block].matrices[matrix].z;
  if (start == NONE) { return 0.0; }
  return vectors[(start + row) / 4u][(start + row) % 4u];
}

// Where row `row` of q, k, v and the own slot begins: (storage, word, matrix, row of that matrix).
fn raw_row(block: u32, row: u32) -> vec4<u32> {
  var matrix = Q;
  var own = row;
  if (row >= A) { matrix = 1u; own = row - A; }
  if (row >= A + KV) { matrix = 2u; own = row - A - KV; }
  if (HAS_OWN && row >= A + 2u * KV) { matrix = 3u; own = row - A - 2u * KV; }
  let at = params.blocks[block].matrices[matrix];
  return vec4(at.y, at.x + own * C_WORDS, matrix, own);
}

var<private> raw_words: array<vec4<u32>, RAW_TURNS * C_STEPS>;
var<private> out_words: array<vec4<u32>, OUT_TURNS * A_STEPS>;
var<private> gate_words: array<vec4<u32>, PAIR_TURNS * C_STEPS>;
var<private> up_words: array<vec4<u32>, PAIR_TURNS * C_STEPS>;
var<private> fresh_words: array<vec4<u32>, max(FRESH_TURNS, 1u) * C_STEPS>;
var<private> down_words: array<vec4<u32>, DOWN_TURNS * F_STEPS>;

fn fetch_raw(group: u32, block: u32) {
  let lane = thread % C_LANES;
  let part = min(thread / C_LANES, C_GROUPS - 1u);
  for (var t = 0u; t < RAW_TURNS; t++) { // @unroll
    let at = raw_row(block, min(group * RAW_ROWS + min(t * C_GROUPS + part, RAW_ROWS - 1u), RAW - 1u));
    for (var s = 0u; s < C_STEPS; s++) { // @unroll
      raw_words[t * C_STEPS + s] = weight_word(at.x, at.y + s * C_LANES + lane);
    }
  }
}

fn fetch_out(group: u32, block: u32) {
  let lane = thread % A_LANES;
  let part = min(thread / A_LANES, A_GROUPS - 1u);
  let at = params.blocks[block].matrices[OUT];
  for (var t = 0u; t < OUT_TURNS; t++) { // @unroll
    let row = min(group * OUT_ROWS + min(t * A_GROUPS + part, OUT_ROWS - 1u), C - 1u);
    for (var s = 0u; s < A_STEPS; s++) { // @unroll
      out_words[t * A_STEPS + s] = weight_word(at.y, at.x + row * A_WORDS + s * A_LANES + lane);
    }
  }
}

fn fetch_pairs(group: u32, block: u32) {
  let lane = thread % C_LANES;
  let part = min(thread / C_LANES, C_GROUPS - 1u);
  let gate = params.blocks[block].matrices[GATE];
  let up = params.blocks[block].matrices[UP];
  for (var t = 0u; t < PAIR_TURNS; t++) { // @unroll
    let row = min(group * PAIR_ROWS + min(t * C_GROUPS + part, PAIR_ROWS - 1u), F - 1u);
    for (var s = 0u; s < C_STEPS; s++) { // @unroll
      gate_words[t * C_STEPS + s] = weight_word(gate.y, gate.x + row * C_WORDS + s * C_LANES + lane);
      up_words[t * C_STEPS + s] = weight_word(up.y, up.x + row * C_WORDS + s * C_LANES + lane);
    }
  }
  if (HAS_FRESH) {
    let kv = params.blocks[block].matrices[FFN_KV];
    for (var t = 0u; t < FRESH_TURNS; t++) { // @unroll
      let row = min(group * FRESH_ROWS + min(t * C_GROUPS + part, FRESH_ROWS - 1u), FRESH - 1u);
      for (var s = 0u; s < C_STEPS; s++) { // @unroll
        fresh_words[t * C_STEPS + s] = weight_word(kv.y, kv.x + row * C_WORDS + s * C_LANES + lane);
      }
    }
  }
}

fn fetch_down(group: u32, block: u32) {
  let lane = thread % F_LANES;
  let part = min(thread / F_LANES, F_GROUPS - 1u);
  let at = params.blocks[block].matrices[DOWN];
  for (var t = 0u; t < DOWN_TURNS; t++) { // @unroll
    let row = min(group * OUT_ROWS + min(t * F_GROUPS + part, OUT_ROWS - 1u), C - 1u);
    for (var s = 0u; s < F_STEPS; s++) { // @unroll
      down_words[t * F_STEPS + s] = weight_word(at.y, at.x + row * F_WORDS + s * F_LANES + lane);
    }
  }
}

// The input of a product on C numbers, by lane, without the factor that `finish_input` finds.
var<private> input: array<vec4<f32>, C_STEPS * FOURS>;
var<private> norm_weights: array<vec4<f32>, C_STEPS * FOURS>;

// Waits for a sub-layer's output and joins it to `x`: `input` is what norms leave of it, up to a common factor.
fn join(start: u32, due: u32, norm: u32, has_addend: bool) {
  let lane = thread % C_LANES;
  if (NORM == 0u || has_addend) {
    for (var s = 0u; s < C_STEPS; s++) { // @unroll
      for (var f = 0u; f < FOURS; f++) { // @unroll
        norm_weights[s * FOURS + f] = vectors[norm / 4u + (s * C_LANES + lane) * FOURS + f];
      }
    }
  }
  var factor = 1.0;
  if (has_addend) {
    stage_row(start, C, due);
    workgroupBarrier();
    if (NORM == 2u) {
      var own = 0.0;
      for (var s = 0u; s < C_STEPS; s++) { // @unroll
        for (var f = 0u; f < FOURS; f++) { // @unroll
          let y = staged[f * C_WORDS + s * C_LANES + lane];
          own += dot(y, y);
        }
      }
      own = subgroupAdd(own);
      if (thread % SUBGROUP == 0u) { squares[thread / SUBGROUP] = own; }
      workgroupBarrier();
      factor = scale_of(total_squares());
    }
  }
  var own_squares = 0.0;
  for (var s = 0u; s < C_STEPS; s++) { // @unroll
    for (var f = 0u; f < FOURS; f++) { // @unroll
      var value = x[s * FOURS + f];
      if (has_addend) {
        var y = staged[f * C_WORDS + s * C_LANES + lane];
        if (NORM == 2u) { y *= factor * norm_weights[s * FOURS + f]; }
        value += y;
      }
      own_squares += dot(value, value);
      if (NORM != 1u) { x[s * FOURS + f] = value; }
      if (NORM == 0u || (NORM == 1u && has_addend)) { value *= norm_weights[s * FOURS + f]; }
      input[s * FOURS + f] = value;
    }
  }
  if (NORM == 0u || (NORM == 1u && has_addend)) {
    own_squares = subgroupAdd(own_squares);
    if (thread % SUBGROUP == 0u) { squares[thread / SUBGROUP] = own_squares; }
  }
}

// The factor of `input`, behind a barrier; the residual sum of post-norm models gets it too.
fn finish_input(has_addend: bool) -> f32 {
  var factor = 1.0;
  if (NORM == 0u || (NORM == 1u && has_addend)) { factor = scale_of(total_squares()); }
  if (NORM == 1u) {
    for (var s = 0u; s < C_STEPS; s++) { // @unroll
      for (var f = 0u; f < FOURS; f++) { // @unroll
        x[s * FOURS + f] = input[s * FOURS + f] * factor;
      }
    }
  }
  return factor;
}

fn sum_of_row(side: u32, row: u32, parts: u32) -> f32 {
  var total = 0.0;
  for (var i = 0u; i < parts; i++) { total += partial[side][row * parts + i]; }
  return total;
}

fn multiply_raw(group: u32, block: u32, has_addend: bool) {
  let lane = thread % C_LANES;
  let part = thread / C_LANES;
  let parts = C_LANES / SUBGROUP;
  var sums: array<vec4<f32>, RAW_FOURS>;
  for (var i = 0u; i < RAW_FOURS; i++) { // @unroll
    sums[i] = vec4<f32>();
  }
  for (var t = 0u; t < RAW_TURNS; t++) { // @unroll
    for (var s = 0u; s < C_STEPS; s++) { // @unroll
      sums[t / 4u][t % 4u] += dot_words(raw_words[t * C_STEPS + s], input[s * FOURS], input[s * FOURS + FOURS - 1u]);
    }
  }
  for (var i = 0u; i < RAW_FOURS; i++) { // @unroll
    let total = sum_four(sums[i]);
    let row = (i * 4u + row_of_lane(thread % SUBGROUP)) * C_GROUPS + part;
    if (thread % SUBGROUP < 4u && part < C_GROUPS && row < RAW_ROWS) {
      partial[0][row * parts + lane / SUBGROUP] = total;
    }
  }
  workgroupBarrier();
  let factor = finish_input(has_addend);
  for (var own = thread; own < RAW_ROWS; own += THREADS) {
    let row = group * RAW_ROWS + own;
    if (row < RAW) {
      let at = raw_row(block, row);
      send(RAW_AT + row, sum_of_row(0u, own, parts) * factor + bias_of(block, at.z, at.w));
    }
  }
  if (TAKES_TURNS) { workgroupBarrier(); }
}

fn multiply_out(group: u32, block: u32) {
  let lane = thread % A_LANES;
  let part = thread / A_LANES;
  let parts = A_LANES / SUBGROUP;
  var sums: array<vec4<f32>, OUT_FOURS>;
  for (var i = 0u; i < OUT_FOURS; i++) { // @unroll
    sums[i] = vec4<f32>();
  }
  for (var s = 0u; s < A_STEPS; s++) { // @unroll
    let first = staged[s * A_LANES + lane];
    let second = staged[(FOURS - 1u) * A_WORDS + s * A_LANES + lane];
    for (var t = 0u; t < OUT_TURNS; t++) { // @unroll
      sums[t / 4u][t % 4u] += dot_words(out_words[t * A_STEPS + s], first, second);
    }
  }
  for (var i = 0u; i < OUT_FOURS; i++) { // @unroll
    let total = sum_four(sums[i]);
    let row = (i * 4u + row_of_lane(thread % SUBGROUP)) * A_GROUPS + part;
    if (thread % SUBGROUP < 4u && part < A_GROUPS && row < OUT_ROWS) {
      partial[1][row * parts + lane / SUBGROUP] = total;
    }
  }
  workgroupBarrier();
  for (var own = thread; own < OUT_ROWS; own += THREADS) {
    let row = group * OUT_ROWS + own;
    if (row < C) { send(ATTENTION_AT + place(row, C_WORDS), sum_of_row(1u, own, parts) + bias_of(block, OUT, row)); }
  }
  if (TAKES_TURNS) { workgroupBarrier(); }
}

fn multiply_pairs(group: u32, block: u32) {
  let lane = thread % C_LANES;
  let part = thread / C_LANES;
  let parts = C_LANES / SUBGROUP;
  var gates: array<vec4<f32>, PAIR_FOURS>;
  for (var i = 0u; i < PAIR_FOURS; i++) { // @unroll
    gates[i] = vec4<f32>();
  }
  var ups: array<vec4<f32>, PAIR_FOURS>;
  for (var i = 0u; i < PAIR_FOURS; i++) { // @unroll
    ups[i] = vec4<f32>();
  }
  for (var t = 0u; t < PAIR_TURNS; t++) { // @unroll
    for (var s = 0u; s < C_STEPS; s++) { // @unroll
      gates[t / 4u][t % 4u] += dot_words(gate_words[t * C_STEPS + s], input[s * FOURS], input[s * FOURS + FOURS - 1u]);
      ups[t / 4u][t % 4u] += dot_words(up_words[t * C_STEPS + s], input[s * FOURS], input[s * FOURS + FOURS - 1u]);
    }
  }
  for (var i = 0u; i < PAIR_FOURS; i++) { // @unroll
    let gate = sum_four(gates[i]);
    let up = sum_four(ups[i]);
    let row = (i * 4u + row_of_lane(thread % SUBGROUP)) * C_GROUPS + part;
    if (thread % SUBGROUP < 4u && part < C_GROUPS && row < PAIR_ROWS) {
      partial[0][row * parts + lane / SUBGROUP] = gate;
      partial[0][(PAIR_ROWS + row) * parts + lane / SUBGROUP] = up;
    }
  }
  if (HAS_FRESH) {
    var sums: array<vec4<f32>, max(FRESH_FOURS, 1u)>;
    for (var i = 0u; i < FRESH_FOURS; i++) { // @unroll
      sums[i] = vec4<f32>();
    }
    for (var t = 0u; t < FRESH_TURNS; t++) { // @unroll
      for (var s = 0u; s < C_STEPS; s++) { // @unroll
        sums[t / 4u][t % 4u] += dot_words(fresh_words[t * C_STEPS + s], input[s * FOURS], input[s * FOURS + FOURS - 1u]);
      }
    }
    for (var i = 0u; i < FRESH_FOURS; i++) { // @unroll
      let total = sum_four(sums[i]);
      let row = (i * 4u + row_of_lane(thread % SUBGROUP)) * C_GROUPS + part;
      if (thread % SUBGROUP < 4u && part < C_GROUPS && row < FRESH_ROWS) {
        partial[0][(2u * PAIR_ROWS + row) * parts + lane / SUBGROUP] = total;
      }
    }
  }
  workgroupBarrier();
  let factor = finish_input(true);
  for (var own = thread; own < PAIR_ROWS + FRESH_ROWS; own += THREADS) {
    if (own < PAIR_ROWS) {
      let row = group * PAIR_ROWS + own;
      if (row < F) {
        let gate = sum_of_row(0u, own, parts) * factor + bias_of(block, GATE, row);
        let up = sum_of_row(0u, PAIR_ROWS + own, parts) * factor + bias_of(block, UP, row);
        send(HIDDEN_AT + hidden_place(row), gate / (1.0 + exp(min(-gate, 80.0))) * up);
      }
    } else {
      let row = group * FRESH_ROWS + own - PAIR_ROWS;
      if (row < FRESH) {
        let value = sum_of_row(0u, PAIR_ROWS + own, parts) * factor + bias_of(block, FFN_KV, row);
        send(FRESH_AT + row, value);
      }
    }
  }
  if (TAKES_TURNS) { workgroupBarrier(); }
}

fn multiply_down(group: u32, block: u32) {
  let lane = thread % F_LANES;
  let part = thread / F_LANES;
  let parts = F_LANES / SUBGROUP;
  var sums: array<vec4<f32>, DOWN_FOURS>;
  for (var i = 0u; i < DOWN_FOURS; i++) { // @unroll
    sums[i] = vec4<f32>();
  }
  for (var s = 0u; s < F_STEPS; s++) { // @unroll
    var words: array<u32, VALUES>;
    let limit = polls();
    var tries = 0u;
    for (; tries < limit; tries++) {
      var are_due = true;
      for (var v = 0u; v < VALUES; v++) { // @unroll
        words[v] = atomicLoad(&exchange[HIDDEN_AT + v * F_WORDS + s * F_LANES + lane]);
      }
      for (var v = 0u; v < VALUES; v++) { // @unroll
        are_due = are_due && is_due(words[v], tag);
      }
      if (are_due) { break; }
    }
    if (tries == limit) { is_dead = true; }
    let first = vec4(number(words[0]), number(words[1]), number(words[2]), number(words[3]));
    let second = vec4(
      number(words[VALUES - 4u]), number(words[VALUES - 3u]), number(words[VALUES - 2u]), number(words[VALUES - 1u]),
    );
    for (var t = 0u; t < DOWN_TURNS; t++) { // @unroll
      sums[t / 4u][t % 4u] += dot_words(down_words[t * F_STEPS + s], first, second);
    }
  }
  for (var i = 0u; i < DOWN_FOURS; i++) { // @unroll
    let total = sum_four(sums[i]);
    let row = (i * 4u + row_of_lane(thread % SUBGROUP)) * F_GROUPS + part;
    if (thread % SUBGROUP < 4u && part < F_GROUPS && row < OUT_ROWS) {
      partial[1][row * parts + lane / SUBGROUP] = total;
    }
  }
  workgroupBarrier();
  for (var own = thread; own < OUT_ROWS; own += THREADS) {
    let row = group * OUT_ROWS + own;
    if (row < C) { send(FFN_AT + place(row, C_WORDS), sum_of_row(1u, own, parts) + bias_of(block, DOWN, row)); }
  }
  if (TAKES_TURNS) { workgroupBarrier(); }
}

// Waits for one number.
fn receive(index: u32, due: u32) -> f32 {
  let limit = polls();
  var tries = 0u;
  var word = 0u;
  for (; tries < limit; tries++) {
    word = atomicLoad(&exchange[index]);
    if (is_due(word, due)) { break; }
  }
  if (tries == limit) { is_dead = true; }
  return number(word);
}

// Where number `i` of a unit travels, and the tag that is due: see NUMBERS.
fn number_place(i: u32, head: u32, own_start: u32) -> vec2<u32> {
  if (i < A + KV) { return vec2(RAW_AT + i, tag); }
  if (i < FRESH_NUMBERS) { return vec2(RAW_AT + i + head * D, tag); }
  if (i < SLOT_NUMBERS) {
    let j = i - FRESH_NUMBERS;
    return vec2(FRESH_AT + j + select(0u, head * D, j >= KV), previous_tag);
  }
  let j = i - SLOT_NUMBERS;
  return vec2(RAW_AT + own_start + j + select(0u, head * D, j >= KV), tag);
}

// Waits for the first `count` numbers of a unit; those of slots that are not to be written are left out.
fn stage_numbers(head: u32, count: u32, own_start: u32, has_fresh: bool, has_slot: bool) {
  for (var base = 0u; base < count; base += THREADS * 4u) {
    var places: array<vec2<u32>, 4>;
    var words: array<u32, 4>;
    var are_needed: array<bool, 4>;
    for (var i = 0u; i < 4u; i++) { // @unroll
      let n = base + i * THREADS + thread;
      places[i] = number_place(min(n, count - 1u), head, own_start);
      are_needed[i] = n < count
        && (n < FRESH_NUMBERS || (n < SLOT_NUMBERS && has_fresh) || (n >= SLOT_NUMBERS && has_slot));
    }
    let limit = polls();
    var tries = 0u;
    for (; tries < limit; tries++) {
      var are_due = true;
      for (var i = 0u; i < 4u; i++) { // @unroll
        words[i] = atomicLoad(&exchange[places[i].x]);
      }
      for (var i = 0u; i < 4u; i++) { // @unroll
        are_due = are_due && (is_due(words[i], places[i].y) || !are_needed[i]);
      }
      if (are_due) { break; }
    }
    if (tries == limit) { is_dead = true; }
    for (var i = 0u; i < 4u; i++) { // @unroll
      if (are_needed[i]) { numbers[base + i * THREADS + thread] = number(words[i]); }
    }
  }
}

fn square_sum(start: u32, count: u32) -> f32 {
  var own = 0.0;
  for (var i = thread; i < count; i += THREADS) { own += numbers[start + i] * numbers[start + i]; }
  return own;
}

fn workgroup_sum(value: vec4<f32>) -> vec4<f32> {
  let sum = subgroupAdd(value);
  if (thread % SUBGROUP == 0u) { totals[thread / SUBGROUP] = sum; }
  workgroupBarrier();
  var total = vec4<f32>();
  for (var i = 0u; i < SUBGROUPS; i++) { total += totals[i]; }
  return total;
}

fn turn(angle: f32) -> vec2<f32> {
  let turns = round(angle * 0.6366197723675814);
  let r = ((angle - turns * 1.5703125) - turns * 4.837512969970703e-4) - turns * 7.549789954891882e-8;
  let s = r * r;
  let sine = r + r * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4));
  let cosine = 1.0 - 0.5 * s + s * s * (4.166664568298827e-2 + s * (-1.388731625493765e-3 + s * 2.443315711809948e-5));
  switch u32(i32(turns)) & 3u {
    case 0u: { return vec2(cosine, sine); }
    case 1u: { return vec2(-sine, cosine); }
    case 2u: { return vec2(-cosine, -sine); }
    default: { return vec2(sine, -cosine); }
  }
}

// Where row `row` of a head begins in `numbers`.
fn start_of(row: u32, head: u32) -> u32 {
  if (row < G) { return (head * G + row) * D; }
  if (row == OWN_KEY) { return A + head * D; }
  if (row == FRESH_KEY) { return FRESH_NUMBERS + head * D; }
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

// Norm weights of pair `item` of a head's rows.
fn norm_pair(block: u32, head: u32, item: u32) -> vec2<f32> {
  let row = min(item / (D / 2u), ROWS - 1u);
  let i = item % (D / 2u);
  if (QK_NORM == 0u || (row > OWN_KEY && !NORM_DEPTH)) { return vec2(1.0); }
  let norms = params.blocks[block].norms;
  var start = norms.w;
  if (row < G) { start = norms.z; }
  if (row == FRESH_KEY) { start = params.blocks[block].places.x; }
  if (QK_NORM == 1u) { start += select(head, head * G + row, row < G) * D; }
  return vec2(vector_at(start + left_of(i)), vector_at(start + right_of(i)));
}

fn prepare_rows(block: u32, head: u32, n_rows: u32, position: f32, first_norms: vec2<f32>) {
  let slots = params.blocks[block].slots;
  var scales = vec4(1.0);
  if (QK_NORM == 1u) {
    var own = vec4(square_sum(0u, A), 0.0, 0.0, 0.0);
    if (n_rows > G) {
      own.y = square_sum(A, KV);
      if (HAS_DEPTH) {
        own.z = select(0.0, square_sum(FRESH_NUMBERS, KV), slots.z != NONE);
        own.w = select(0.0, square_sum(SLOT_NUMBERS, KV), slots.w != NONE);
      }
    }
    scales = 1.0 / sqrt(workgroup_sum(own) / vec4(f32(A), vec3(f32(KV))) + params.eps);
  }
  let items = n_rows * (D / 2u);
  for (var item = thread; item < items; item += THREADS) {
    let row = item / (D / 2u);
    let i = item % (D / 2u);
    if ((row == FRESH_KEY && slots.z == NONE) || (row == SLOT_KEY && slots.w == NONE)) { continue; }
    let start = start_of(row, head);
    var pair = vec2(numbers[start + left_of(i)], numbers[start + right_of(i)]);
    if (QK_NORM != 0u && (row <= OWN_KEY || NORM_DEPTH)) {
      var scale = scales.x;
      if (row == OWN_KEY) { scale = scales.y; }
      if (row == FRESH_KEY) { scale = scales.z; }
      if (row == SLOT_KEY) { scale = scales.w; }
      if (QK_NORM == 2u) {
        var total = 0.0;
        for (var d = 0u; d < D; d++) { total += numbers[start + d] * numbers[start + d]; }
        scale = 1.0 / sqrt(total / f32(D) + params.eps);
      }
      if (item == thread) { pair *= scale * first_norms; } else { pair *= scale * norm_pair(block, head, item); }
    }
    var turned = vec2(1.0, 0.0);
    if (IS_ROTARY && (row <= OWN_KEY || ROTATE_DEPTH)) { turned = turn(position * params.frequencies[i / 4u][i % 4u]); }
    let factor = select(1.0, params.scale, row < G);
    rows[row * D + left_of(i)] = (pair.x * turned.x - pair.y * turned.y) * factor;
    rows[row * D + right_of(i)] = (pair.x * turned.y + pair.y * turned.x) * factor;
  }
}

fn prepared_key(row: u32, lane: u32) -> vec4<u32> {
  var values: array<vec4<f32>, FOURS>;
  for (var f = 0u; f < FOURS; f++) { // @unroll
    let d = row * D + lane * VALUES + f * 4u;
    values[f] = vec4(rows[d], rows[d + 1u], rows[d + 2u], rows[d + 3u]);
  }
  return bits_of(values);
}

// A value of the head: of the token (A + KV), of the fresh slot (FRESH_NUMBERS + KV) or of the own one.
fn prepared_value(start: u32, lane: u32) -> vec4<u32> {
  var values: array<vec4<f32>, FOURS>;
  for (var f = 0u; f < FOURS; f++) { // @unroll
    let at = start + lane * VALUES + f * 4u;
    values[f] = vec4(numbers[at], numbers[at + 1u], numbers[at + 2u], numbers[at + 3u]);
  }
  return bits_of(values);
}

fn write_slots(block: u32, head: u32, position: u32) {
  let places = params.blocks[block].places;
  let slots = params.blocks[block].slots;
  for (var item = thread; item < 6u * KEY_LANES; item += THREADS) {
    let lane = item % KEY_LANES;
    let own = (position * HKV + head) * KEY_LANES + lane;
    let fresh_at = (slots.z * HKV + head) * KEY_LANES + lane;
    let slot_at = (slots.w * HKV + head) * KEY_LANES + lane;
    let part = item / KEY_LANES;
    if (part == 0u) { cache_k[places.y + own] = prepared_key(OWN_KEY, lane); }
    if (part == 1u) { cache_v[places.z + own] = prepared_value(A + KV, lane); }
    if (HAS_DEPTH) {
      if (part == 2u && slots.z != NONE) { depth_k[fresh_at] = prepared_key(FRESH_KEY, lane); }
      if (part == 3u && slots.z != NONE) { depth_v[fresh_at] = prepared_value(FRESH_NUMBERS + KV, lane); }
      if (part == 4u && slots.w != NONE) { depth_k[slot_at] = prepared_key(SLOT_KEY, lane); }
      if (part == 5u && slots.w != NONE) { depth_v[slot_at] = prepared_value(SLOT_NUMBERS + KV, lane); }
    }
  }
}

// Splits that share the keys at this position.
fn splits_of(n_slots: u32, position: u32) -> u32 {
  return clamp((n_slots + position + params.keys_a_split) / params.keys_a_split, 1u, SPLITS);
}

var<private> k_bits: array<vec4<u32>, AHEAD>;
var<private> v_bits: array<vec4<u32>, AHEAD>;

// Keys of one split: first slot, slots, first position, end of the positions.
struct Span { slot: u32, n_slots: u32, begin: u32, end: u32 }

fn fetch_keys(places: vec4<u32>, span: Span, head: u32, first_key: u32) {
  let lane = thread % KEY_LANES;
  let count = span.n_slots + span.end - span.begin;
  for (var a = 0u; a < AHEAD; a++) { // @unroll
    let n = min(first_key + a * KEYS + thread / KEY_LANES, max(count, 1u) - 1u);
    if (HAS_DEPTH && n < span.n_slots) {
      let at = ((span.slot + n) * HKV + head) * KEY_LANES + lane;
      k_bits[a] = depth_k[at];
      v_bits[a] = depth_v[at];
    } else {
      let at = ((span.begin + n - span.n_slots) * HKV + head) * KEY_LANES + lane;
      k_bits[a] = cache_k[places.y + at];
      v_bits[a] = cache_v[places.z + at];
    }
  }
}

// What this pass writes is not read back: the token itself and the fresh slot come from workgroup memory.
fn replace_new_keys(block: u32, span: Span, first_key: u32) {
  let lane = thread % KEY_LANES;
  let count = span.n_slots + span.end - span.begin;
  let fresh = params.blocks[block].slots.z;
  for (var a = 0u; a < AHEAD; a++) { // @unroll
    let n = first_key + a * KEYS + thread / KEY_LANES;
    if (n + 1u == count) {
      k_bits[a] = prepared_key(OWN_KEY, lane);
      v_bits[a] = prepared_value(A + KV, lane);
    }
    // Past the end: what was fetched there may be anything, even NaN.
    if (n >= count) {
      k_bits[a] = vec4<u32>();
      v_bits[a] = vec4<u32>();
    }
    if (HAS_DEPTH && n < span.n_slots && span.slot + n == fresh) {
      k_bits[a] = prepared_key(FRESH_KEY, lane);
      v_bits[a] = prepared_value(FRESH_NUMBERS + KV, lane);
    }
  }
}

fn attend(block: u32, unit: u32, position: u32) {
  let head = unit % HKV;
  let split = unit / HKV;
  let is_first = split == 0u;
  let places = params.blocks[block].places;
  let slots = params.blocks[block].slots;
  let n_slots = select(0u, slots.y - slots.x, HAS_DEPTH);
  let splits = splits_of(n_slots, position);
  // The first split has the slots and the token, and so many positions that all have about as many keys.
  let share = (n_slots + position + splits) / splits;
  let first_positions = min(max(share, n_slots + 1u) - n_slots - 1u, position);
  let rest = (position - first_positions + max(splits, 2u) - 2u) / max(splits - 1u, 1u);
  var span: Span;
  span.slot = slots.x;
  span.n_slots = select(0u, n_slots, is_first);
  span.begin = select(min(first_positions + (max(split, 1u) - 1u) * rest, position), 0u, is_first);
  span.end = select(min(span.begin + rest, position), first_positions + 1u, is_first);
  if (split >= splits) { span.end = span.begin; }
  let count = span.n_slots + span.end - span.begin;
  fetch_keys(places, span, head, 0u);
  let first_norms = norm_pair(block, head, thread);
  var n_numbers = select(FRESH_NUMBERS, NUMBERS, is_first);
  // A split without keys has only to say so.
  if (count == 0u) { n_numbers = 0u; }
  stage_numbers(head, n_numbers, places.w, slots.z != NONE, slots.w != NONE);
  workgroupBarrier();
  prepare_rows(block, head, select(G, ROWS, is_first), f32(position), first_norms);
  workgroupBarrier();
  let lane = thread % KEY_LANES;
  let key = thread / KEY_LANES;
  var query: array<vec4<f32>, G * FOURS>;
  var maximum: array<f32, G>;
  var sum: array<f32, G>;
  var acc: array<vec4<f32>, G * FOURS>;
  for (var g = 0u; g < G; g++) { // @unroll
    maximum[g] = LOWEST;
    sum[g] = 0.0;
    for (var f = 0u; f < FOURS; f++) { // @unroll
      let d = g * D + lane * VALUES + f * 4u;
      query[g * FOURS + f] = vec4(rows[d], rows[d + 1u], rows[d + 2u], rows[d + 3u]);
      acc[g * FOURS + f] = vec4<f32>();
    }
  }
  let turns = (count + KEYS * AHEAD - 1u) / (KEYS * AHEAD);
  for (var turn = 0u; turn < turns; turn++) {
    let first_key = turn * AHEAD * KEYS;
    if (turn > 0u) { fetch_keys(places, span, head, first_key); }
    if (is_first) { replace_new_keys(block, span, first_key); }
    var scores: array<f32, AHEAD * G>;
    for (var a = 0u; a < AHEAD; a++) { // @unroll
      let k = floats(k_bits[a]);
      for (var g = 0u; g < G; g++) { // @unroll
        var score = 0.0;
        for (var f = 0u; f < FOURS; f++) { // @unroll
          score += dot(query[g * FOURS + f], k[f]);
        }
        for (var step = 1u; step < KEY_LANES; step *= 2u) { score += subgroupShuffleXor(score, step); }
        scores[a * G + g] = score;
      }
    }
    for (var g = 0u; g < G; g++) { // @unroll
      var next = maximum[g];
      for (var a = 0u; a < AHEAD; a++) { // @unroll
        if ((turn * AHEAD + a) * KEYS + key < count) { next = max(next, scores[a * G + g]); }
      }
      let rescale = exp(maximum[g] - next);
      maximum[g] = next;
      sum[g] *= rescale;
      for (var f = 0u; f < FOURS; f++) { // @unroll
        acc[g * FOURS + f] *= rescale;
      }
      for (var a = 0u; a < AHEAD; a++) { // @unroll
        let is_key = (turn * AHEAD + a) * KEYS + key < count;
        scores[a * G + g] = select(0.0, exp(scores[a * G + g] - next), is_key);
        sum[g] += scores[a * G + g];
      }
    }
    for (var a = 0u; a < AHEAD; a++) { // @unroll
      let v = floats(v_bits[a]);
      for (var g = 0u; g < G; g++) { // @unroll
        for (var f = 0u; f < FOURS; f++) { // @unroll
          acc[g * FOURS + f] += scores[a * G + g] * v[f];
        }
      }
    }
  }
  // The keys of a subgroup become one, then the subgroups.
  let own_subgroup = thread / SUBGROUP;
  for (var g = 0u; g < G; g++) { // @unroll
    let largest = subgroupMax(maximum[g]);
    let weight = exp(maximum[g] - largest);
    var total = sum[g] * weight;
    for (var step = KEY_LANES; step < SUBGROUP; step *= 2u) { total += subgroupShuffleXor(total, step); }
    for (var f = 0u; f < FOURS; f++) { // @unroll
      var value = acc[g * FOURS + f] * weight;
      for (var step = KEY_LANES; step < SUBGROUP; step *= 2u) { value += subgroupShuffleXor(value, step); }
      if (thread % SUBGROUP < KEY_LANES) {
        let at = (own_subgroup * G + g) * D + lane * VALUES + f * 4u;
        sums_of[at] = value.x;
        sums_of[at + 1u] = value.y;
        sums_of[at + 2u] = value.z;
        sums_of[at + 3u] = value.w;
      }
    }
    if (thread % SUBGROUP == 0u) { statistics_of[own_subgroup * G + g] = vec2(largest, total); }
  }
  workgroupBarrier();
  for (var i = thread; i < G * D; i += THREADS) {
    let g = i / D;
    let d = i % D;
    var largest = LOWEST;
    for (var s = 0u; s < SUBGROUPS; s++) { largest = max(largest, statistics_of[s * G + g].x); }
    var value = 0.0;
    var total = 0.0;
    for (var s = 0u; s < SUBGROUPS; s++) {
      let part = statistics_of[s * G + g];
      let weight = exp(part.x - largest);
      total += weight * part.y;
      value += weight * sums_of[(s * G + g) * D + d];
    }
    let h = head * G + g;
    if (!is_first) {
      // An empty split has no maximum.
      let is_empty = total == 0.0;
      send(SUMS_AT + split * A + h * D + d, select(value / total, 0.0, is_empty));
      if (d == 0u) { send(LOGS_AT + split * H + h, select(largest + log(total), LOWEST, is_empty)); }
    } else {
      send(MERGED_AT + place(h * D + d, A_WORDS), merged(splits, h, d, largest, value, total));
    }
  }
  // Nobody waits for these.
  if (is_first) { write_slots(block, head, position); }
  // The slots are read again a block later, `rows` and `numbers` are written for the next unit.
  storageBarrier();
  workgroupBarrier();
}

// The first split's sum with those of the others.
fn merged(splits: u32, h: u32, d: u32, own_largest: f32, own_value: f32, own_total: f32) -> f32 {
  var largest = own_largest;
  var value = own_value;
  var total = own_total;
  for (var first = 1u; first < splits; first += TOGETHER) {
    var sums: array<u32, TOGETHER>;
    var logs: array<u32, TOGETHER>;
    let limit = polls();
    var tries = 0u;
    for (; tries < limit; tries++) {
      var are_due = true;
      for (var i = 0u; i < TOGETHER; i++) { // @unroll
        let split = min(first + i, splits - 1u);
        sums[i] = atomicLoad(&exchange[SUMS_AT + split * A + h * D + d]);
        logs[i] = atomicLoad(&exchange[LOGS_AT + split * H + h]);
      }
      for (var i = 0u; i < TOGETHER; i++) { // @unroll
        are_due = are_due && is_due(sums[i], tag) && is_due(logs[i], tag);
      }
      if (are_due) { break; }
    }
    if (tries == limit) { is_dead = true; }
    var next = largest;
    for (var i = 0u; i < TOGETHER; i++) { // @unroll
      next = max(next, number(logs[i]));
    }
    let rescale = exp(largest - next);
    largest = next;
    value *= rescale;
    total *= rescale;
    for (var i = 0u; i < TOGETHER; i++) { // @unroll
      let weight = select(0.0, exp(number(logs[i]) - next), first + i < splits);
      value += weight * number(sums[i]);
      total += weight;
    }
  }
  return value / total;
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
) {
  thread = subgroup * SUBGROUP + subgroup_lane;
  let group = id.x;
  is_dead = false;
  let position = u32(state[0]);
  let epoch = atomicLoad(&exchange[0]);
  fetch_raw(group, 0u);
  let lane = thread % C_LANES;
  for (var s = 0u; s < C_STEPS; s++) { // @unroll
    let values = floats(table[params.table_word + u32(state[1]) * C_WORDS + s * C_LANES + lane]);
    for (var f = 0u; f < FOURS; f++) { // @unroll
      x[s * FOURS + f] = values[f];
    }
  }
  for (var block = 0u; block < LAYERS; block++) {
    previous_tag = (epoch * LAYERS + block) & 1u;
    tag = 1u - previous_tag;
    let norms = params.blocks[block].norms;
    join(FFN_AT, previous_tag, norms.x, block > 0u);
    multiply_raw(group, block, block > 0u);
    fetch_out(group, block);
    // The first splits last: they wait for the others.
    let units = (HKV * SPLITS + W - 1u - group) / W;
    for (var turn = 0u; turn < units; turn++) { attend(block, group + (units - 1u - turn) * W, position); }
    stage_row(MERGED_AT, A, tag);
    workgroupBarrier();
    multiply_out(group, block);
    fetch_pairs(group, block);
    join(ATTENTION_AT, tag, norms.y, true);
    multiply_pairs(group, block);
    fetch_down(group, block);
    multiply_down(group, block);
    fetch_raw(group, min(block + 1u, LAYERS - 1u));
  }
  if (is_dead) { atomicStore(&exchange[1], 1u); }
  // The last sub-layer's output waits for the output matrix's kernel; whoever has it knows that everyone has read the epoch.
  if (group == 0u) {
    for (var c = thread; c < C; c += THREADS) {
      let y = receive(FFN_AT + place(c, C_WORDS), tag);
      y_out[c] = bitcast<f32>(select(bitcast<u32>(y), 0x7fc00000u, is_dead));
    }
    if (thread < C_LANES) {
      for (var s = 0u; s < C_STEPS; s++) { // @unroll
        for (var f = 0u; f < FOURS; f++) { // @unroll
          x_out[(s * C_LANES + lane) * FOURS + f] = x[s * FOURS + f];
        }
      }
    }
    workgroupBarrier();
    if (thread == 0u) { atomicStore(&exchange[0], epoch + 1u); }
  }
}
