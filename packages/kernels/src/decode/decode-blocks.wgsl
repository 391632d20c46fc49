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
// cache_k, cache_v: of all blocks, [capacity][Hkv][D] each.
// exchange: control (tokens so far, whether a wait found no end, unused, unused), then regions: q, k, v and the slot's own k, v
// [A + 4 * KV]; the attention's sums [SPLITS][A] and log-sum-exps [SPLITS][H], not of the first split; merged [A]; after the output
// matrix [C]; hidden [F + 2 * KV]; the FFN's output [C]. x_out, y_out: f32 [C], the last residual sum and what is still to be added.
// Workgroup memory: (max(C, A) + 2 * PARTIALS + 5 * SUBGROUPS + NUMBERS + (G + 3) * D + SUBGROUPS * G * (D + 2)) * 4 bytes.
// Reference: decode-reference.ts; Hu et al., "Demystifying NCCL" (the LL protocol) for words that carry their own flag.
enable subgroups;

// @interface
//   const IS_HALF = false
//   const THREADS: u32 = 128u
//   const SUBGROUP: u32 = 8u
//   const C: u32 = 64u
//   const F: u32 = 128u
//   const H: u32 = 4u
//   const HKV: u32 = 2u
//   const D: u32 = 16u
//   const LAYERS: u32 = 1u
//   const SPLITS: u32 = 2u
//   const W: u32 = 1u                     Workgroups of the dispatch.
//   const STORAGES: u32 = 1u              Storages of weights.
//   const HAS_ATTENTION_KV = false        Depth slots' own projections: of the attention, of the FFN.
//   const HAS_FFN_KV = false
//   const HAS_DEPTH = false
//   const NORM: u32 = 1u                  0: x + f(norm x), 1: norm(x + f x), 2: x + norm(f x).
//   const QK_NORM: u32 = 1u               0: none, 1: over all heads together, 2: over each head.
//   const IS_ROTARY = true
//   const IS_INTERLEAVED = false
//   const NORM_DEPTH = true
//   const ROTATE_DEPTH = true
//   const AHEAD: u32 = 2u
//   const POLLS: u32 = 2097152u
//   const IS_SERIAL = false               Whether subgroups of a workgroup run one after the other up to each barrier (software): what one waits for, another must have sent.
//   const C_LANES: u32 = 32u
//   const A_LANES: u32 = 32u
//   const F_LANES: u32 = 32u
//   const PARTIALS: u32 = 256u            Partial sums of the widest product.
//   read state: array<i32>
//   read table: array<vec4<u32>>
//   read vectors: array<vec4<f32>>
//   read w0: array<vec4<u32>>
//   read w1: array<vec4<u32>>
//   read w2: array<vec4<u32>>
//   read w3: array<vec4<u32>>
//   read_write cache_k: array<vec4<u32>>
//   read_write cache_v: array<vec4<u32>>
//   read_write depth_k: array<vec4<u32>>  [slots][Hkv][D]
//   read_write depth_v: array<vec4<u32>>  [slots][Hkv][D]
//   read_write exchange: array<atomic<u32>>
//   read_write x_out: array<vec4<f32>>
//   read_write y_out: array<f32>
//   uniform params: Params
//     eps: f32, scale: f32, table_word: u32, keys_a_split: u32,
//     frequencies: array<vec4<f32>, 64>,
//     blocks: array<Block, LAYERS>,

const VALUES: u32 = select(4u, 8u, IS_HALF);
const FOURS: u32 = VALUES / 4u;
const G: u32 = H / HKV;
const A: u32 = H * D;
const KV: u32 = HKV * D;
const SUBGROUPS: u32 = THREADS / SUBGROUP;

// Words of a row, lanes that share it, words of a lane, rows at a time; and the subgroups of a row.
const C_WORDS: u32 = C / VALUES;
const C_STEPS: u32 = C_WORDS / C_LANES;
const C_GROUPS: u32 = THREADS / C_LANES;
const A_WORDS: u32 = A / VALUES;
const A_STEPS: u32 = A_WORDS / A_LANES;
const A_GROUPS: u32 = THREADS / A_LANES;
const F_WORDS: u32 = F / VALUES;
const F_STEPS: u32 = F_WORDS / F_LANES;
const F_GROUPS: u32 = THREADS / F_LANES;

// Rows of a workgroup and of a group, for each product.
const RAW: u32 = A + 2u * KV + select(0u, 2u * KV, HAS_ATTENTION_KV);
const RAW_ROWS: u32 = (RAW + W - 1u) / W;
const RAW_ROUNDS: u32 = (RAW_ROWS + C_GROUPS - 1u) / C_GROUPS;
const OUT_ROWS: u32 = (C + W - 1u) / W;
const OUT_ROUNDS: u32 = (OUT_ROWS + A_GROUPS - 1u) / A_GROUPS;
const PAIR_ROWS: u32 = (F + W - 1u) / W;
const PAIR_ROUNDS: u32 = (PAIR_ROWS + C_GROUPS - 1u) / C_GROUPS;
const FFN_KV_WIDTH: u32 = select(0u, 2u * KV, HAS_FFN_KV);
const FFN_KV_ROWS: u32 = (FFN_KV_WIDTH + W - 1u) / W;
const FFN_KV_ROUNDS: u32 = (FFN_KV_ROWS + C_GROUPS - 1u) / C_GROUPS;
const DOWN_ROUNDS: u32 = (OUT_ROWS + F_GROUPS - 1u) / F_GROUPS;
// Sums of vec4 size, rounded up.
const RAW_FOURS: u32 = (RAW_ROUNDS + 3u) / 4u;
const OUT_FOURS: u32 = (OUT_ROUNDS + 3u) / 4u;
const PAIR_FOURS: u32 = (PAIR_ROUNDS + 3u) / 4u;
const FFN_KV_FOURS: u32 = (FFN_KV_ROUNDS + 3u) / 4u;
const DOWN_FOURS: u32 = (DOWN_ROUNDS + 3u) / 4u;
const INPUT: u32 = max(C, A);

// Regions of `exchange`.
const RAW_AT: u32 = 4u;
const SUMS_AT: u32 = RAW_AT + A + 4u * KV;
const LOGS_AT: u32 = SUMS_AT + SPLITS * A;
const MERGED_AT: u32 = LOGS_AT + SPLITS * H;
const ATTENTION_AT: u32 = MERGED_AT + A;
const HIDDEN_AT: u32 = ATTENTION_AT + C;
const FFN_KV_AT: u32 = HIDDEN_AT + F;
const FFN_AT: u32 = FFN_KV_AT + 2u * KV;

// Numbers of a unit: all of q and k, the head's v; then of the FFN's and of the attention's slot all of k and the head's v.
const FFN_KV_NUMBERS: u32 = A + KV + D;
const SLOT_NUMBERS: u32 = FFN_KV_NUMBERS + KV + D;
const NUMBERS: u32 = select(FFN_KV_NUMBERS, SLOT_NUMBERS + KV + D, HAS_DEPTH);
// Splits that are waited for together.
const TOGETHER: u32 = 4u;
const ROWS: u32 = G + 3u;
const TOKEN_KEY: u32 = G;
const FFN_KEY: u32 = G + 1u;
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
  // Norm weight of the FFN's slot's key, first word of the block's keys and of its values in their caches, start of the attention's slot in raw.
  places: vec4<u32>,
  // First and last + 1 slot to read, the slot of the previous FFN (or NONE), the slot that this block's attention fills (or NONE).
  slots: vec4<u32>,
}

// A product's input, fours of a word apart (see `place`); in the attention q, k of all heads.
var<workgroup> staged: array<vec4<f32>, INPUT / 4u>;
var<workgroup> partial: array<array<f32, PARTIALS>, 2>;
var<workgroup> squares: array<f32, SUBGROUPS>;
var<workgroup> totals: array<vec4<f32>, SUBGROUPS>;
// What one unit of the attention reads of q, k, v, and of the two slots to be written: see NUMBERS.
var<workgroup> numbers: array<f32, NUMBERS>;
// q rows times scale, then the token's key, the key of the FFN's slot, the key of the attention's slot: normalised and rotated.
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

var<private> k_bits: array<vec4<u32>, AHEAD>;
var<private> v_bits: array<vec4<u32>, AHEAD>;

// @import { place, floats } from './blocks/exchange.wgsl'
// @import { stage_row, fetch_raw, fetch_out, fetch_pairs, fetch_down, join, multiply_raw, multiply_out, multiply_pairs, multiply_down } from './blocks/products.wgsl'
// @import { receive, attend } from './blocks/attention.wgsl'

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
    for (var step = 0u; step < units; step++) { attend(block, group + (units - 1u - step) * W, position); }
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
