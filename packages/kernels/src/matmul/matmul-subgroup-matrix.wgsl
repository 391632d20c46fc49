// Matrix product on subgroup matrices (tensor cores): out = activation(alpha * A . B + bias) + residual (+ out), batched.
// f16 operands, f32 sums, any M, N, K.
// One workgroup = a BLOCK_M x BLOCK_N tile of out (of one batch entry and one slice of K);
// one subgroup = (FRAGS_M * FRAG_M) x (FRAGS_N * FRAG_N) of it, all in registers.
// Tiles of A and B are staged as they are stored, 16 bytes at a time, in strips of 32 rows of A (columns of B):
//   K along a row: [32][BLOCK_K + 8] halves; K along a column: [BLOCK_K][32 + 8] halves.
// A strip is an array of its own, so that offsets inside it are constants and need no bounds test. The padding and the order in
// which rows are written (`place_of`) keep fragment loads and stores free of bank conflicts.
// On the way out, ROW_FRAGS fragments of each subgroup take the strips' place: f32 sums reach their lanes through memory.
// Workgroup memory: STRIPS * STRIP * 16 bytes. With slices of K, out is [slice][batch][M][N] partial sums.
// Reference: matmul-reference.ts.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

// @interface
//   alias AWord = vec4<u32>         8 halves, or a pair of halves as one u32 where rows do not start on multiples of 8, or end between them along K.
//   alias BWord = vec4<u32>
//   alias BiasElement = f32
//   alias OutWord = f32             One element of out, or 16 bytes of it as vec4<u32>; OutLane is the element, or u32.
//   alias OutLane = f32
//   const LANE_Y = false            Lane masks of OutWord: false, or vec4<bool> with one lane set.
//   const LANE_Z = false
//   const LANE_W = false
//   const A_WIDTH: u32 = 8u
//   const B_WIDTH: u32 = 8u
//   const OUT_WIDTH: u32 = 1u       Elements of OutWord: 1, 4 of f32 or 8 of f16.
//   const BLOCK_M: u32 = 64u
//   const BLOCK_N: u32 = 64u
//   const BLOCK_K: u32 = 16u
//   const STAGES: u32 = 1u
//   const FRAG_M: u32 = 16u
//   const FRAG_N: u32 = 16u
//   const FRAG_K: u32 = 16u
//   const FRAGS_M: u32 = 2u
//   const FRAGS_N: u32 = 2u
//   const SUBGROUP_SIZE: u32 = 32u
//   const A_TRANSPOSED: bool = false
//   const B_TRANSPOSED: bool = false
//   const ROW_FRAGS: u32 = 2u       Fragments of a row of fragments that go out together.
//   const ADDS_FIRST: bool = false  What is in out is added to the sums themselves, ahead of the epilogue, whose loads would wait for memory one by one.
//   override SWIZZLE: u32 = 8u
//   override RAGGED: bool = true    False when M, N and K are multiples of the block: no bounds are tested.
//   override PREFETCH: bool = true  Whether the next tile is read into registers while this one is multiplied.
//   read a: array<AWord>            [batch][M][lda], or [batch][K][lda] when A_TRANSPOSED
//   read b: array<BWord>            [batch][K][ldb], or [batch][N][ldb] when B_TRANSPOSED
//   read bias: array<BiasElement>   [N]
//   read residual: array<OutWord>   [batch][M][ld]
//   read_write out: array<OutWord>  [batch][M][ld]
//   uniform params: Params
//     m: u32, n: u32, k: u32, batch: u32,
//     a_offset: u32, a_ld: u32, a_batch: u32, k_slice: u32,
//     b_offset: u32, b_ld: u32, b_batch: u32, slices: u32,
//     out_offset: u32, out_ld: u32, out_batch: u32, slice_stride: u32,
//     residual_offset: u32, residual_ld: u32, residual_batch: u32, bias_offset: u32,
//     alpha: f32, groups_x: u32, one: u32,

// Rows of A (columns of B) in a strip.
const STRIP_WIDTH: u32 = 32u;
const A_STRIPS: u32 = BLOCK_M / STRIP_WIDTH;
const B_STRIPS: u32 = BLOCK_N / STRIP_WIDTH;
const A_PER_STRIP: u32 = STRIP_WIDTH / FRAG_M;
const B_PER_STRIP: u32 = STRIP_WIDTH / FRAG_N;
// 16-byte words of a line of a strip: without and with padding.
const A_WORDS_LINE: u32 = select(BLOCK_K, STRIP_WIDTH, A_TRANSPOSED) / 8u;
const B_WORDS_LINE: u32 = select(STRIP_WIDTH, BLOCK_K, B_TRANSPOSED) / 8u;
const A_LINE: u32 = A_WORDS_LINE + 1u;
const B_LINE: u32 = B_WORDS_LINE + 1u;
const A_LINES: u32 = select(STRIP_WIDTH, BLOCK_K, A_TRANSPOSED);
const B_LINES: u32 = select(BLOCK_K, STRIP_WIDTH, B_TRANSPOSED);
// Steps from one fragment to the next across a strip and along K.
const A_ACROSS: u32 = select(FRAG_M * A_LINE, FRAG_M / 8u, A_TRANSPOSED);
const B_ACROSS: u32 = select(FRAG_N / 8u, FRAG_N * B_LINE, B_TRANSPOSED);
const A_ALONG: u32 = select(FRAG_K / 8u, FRAG_K * A_LINE, A_TRANSPOSED);
const B_ALONG: u32 = select(FRAG_K * B_LINE, FRAG_K / 8u, B_TRANSPOSED);
const SUBGROUPS_N: u32 = BLOCK_N / (FRAGS_N * FRAG_N);
const SUBGROUPS: u32 = BLOCK_M / (FRAGS_M * FRAG_M) * SUBGROUPS_N;
const THREADS: u32 = SUBGROUPS * SUBGROUP_SIZE;
const A_WORDS: u32 = BLOCK_M * BLOCK_K / 8u;
const B_WORDS: u32 = BLOCK_N * BLOCK_K / 8u;
const A_LOADS: u32 = (A_WORDS + THREADS - 1u) / THREADS;
const B_LOADS: u32 = (B_WORDS + THREADS - 1u) / THREADS;
const FRAG_QUADS: u32 = FRAG_M * FRAG_N / 4u;
const TILE_STRIPS: u32 = A_STRIPS + B_STRIPS;
// Four more than a multiple of eight words, so that the same line of two strips is in different banks.
const STRIP: u32 = (max(max(A_LINES * A_LINE, B_LINES * B_LINE), FRAG_QUADS) + 3u) / 8u * 8u + 4u;
// Fragments of sums that a strip holds.
const SUMS_PER_STRIP: u32 = STRIP / FRAG_QUADS;
const STRIPS: u32 = max(STAGES * TILE_STRIPS, (SUBGROUPS * ROW_FRAGS + SUMS_PER_STRIP - 1u) / SUMS_PER_STRIP);
const K_FRAGS: u32 = BLOCK_K / FRAG_K;
// Sums that one invocation finishes at once, in quads; how many such groups a row of what goes out together has, and how often a
// row of fragments does.
const QUADS: u32 = select(1u, 2u, OUT_WIDTH == 8u);
const ROW_GROUPS: u32 = ROW_FRAGS * FRAG_N / (4u * QUADS);
const ROUNDS: u32 = FRAGS_N / ROW_FRAGS;
const ALL_ROUNDS: u32 = FRAGS_M * ROUNDS;
// Groups of a round that a lane finishes.
const LANE_GROUPS: u32 = (ROW_GROUPS * FRAG_M + SUBGROUP_SIZE - 1u) / SUBGROUP_SIZE;

// @import { ACTIVATION, HAS_BIAS, HAS_RESIDUAL, ACCUMULATE } from '../wgsl/matmul/product.wgsl'

var<workgroup> strips: array<array<vec4<u32>, STRIP>, STRIPS>;

alias Left = subgroup_matrix_left<f16, FRAG_K, FRAG_M>;
alias Right = subgroup_matrix_right<f16, FRAG_N, FRAG_K>;
alias Sums = subgroup_matrix_result<f32, FRAG_N, FRAG_M>;

// @import { load_a, load_b } from '../wgsl/matmul/fragment-loads.wgsl'

// Strip, line of it and 16-byte word of the line that hold a word of a tile of `strips` strips. Where the rows in memory run across
// strips, neighbours read neighbouring words of whole rows: a strip's 64 bytes of a row are half a line of the cache. Else strip by
// strip: lines of 4 words are written four apart by invocations that write at once, which with one word of padding are in different
// banks.
fn place_of(word: u32, strips: u32, lines: u32, words_line: u32, is_across: bool) -> vec3<u32> {
  if (is_across && strips > 1u) {
    let in_row = word % (strips * words_line);
    return vec3<u32>(in_row / words_line, word / (strips * words_line), in_row % words_line);
  }
  let line = word % (lines * words_line) / words_line;
  let spread = (line & ~7u) | ((line & 1u) << 2u) | ((line >> 1u) & 3u);
  return vec3<u32>(word / (lines * words_line), select(line, spread, words_line == 4u), word % words_line);
}

fn fetch_a(word: u32, base: u32, m0: u32, k0: u32, k_end: u32) -> vec4<u32> {
  if (A_WORDS % THREADS != 0u && word >= A_WORDS) { return vec4<u32>(); }
  let place = place_of(word, A_STRIPS, A_LINES, A_WORDS_LINE, A_TRANSPOSED);
  let across = m0 + place.x * STRIP_WIDTH;
  if (A_TRANSPOSED) { return load_a(base, k0 + place.y, across + place.z * 8u, k_end, params.m); }
  return load_a(base, across + place.y, k0 + place.z * 8u, params.m, k_end);
}

fn fetch_b(word: u32, base: u32, n0: u32, k0: u32, k_end: u32) -> vec4<u32> {
  if (B_WORDS % THREADS != 0u && word >= B_WORDS) { return vec4<u32>(); }
  let place = place_of(word, B_STRIPS, B_LINES, B_WORDS_LINE, !B_TRANSPOSED);
  let across = n0 + place.x * STRIP_WIDTH;
  if (B_TRANSPOSED) { return load_b(base, across + place.y, k0 + place.z * 8u, params.n, k_end); }
  return load_b(base, k0 + place.y, across + place.z * 8u, k_end, params.n);
}

fn stage_a(word: u32, buffer: u32, value: vec4<u32>) {
  if (A_WORDS % THREADS != 0u && word >= A_WORDS) { return; }
  let place = place_of(word, A_STRIPS, A_LINES, A_WORDS_LINE, A_TRANSPOSED);
  strips[buffer * TILE_STRIPS + place.x][place.y * A_LINE + place.z] = value;
}

fn stage_b(word: u32, buffer: u32, value: vec4<u32>) {
  if (B_WORDS % THREADS != 0u && word >= B_WORDS) { return; }
  let place = place_of(word, B_STRIPS, B_LINES, B_WORDS_LINE, !B_TRANSPOSED);
  strips[buffer * TILE_STRIPS + A_STRIPS + place.x][place.y * B_LINE + place.z] = value;
}

// Strip and word of it where a group of sums begins; the subgroup's fragments begin at `own`.
fn place_of_sums(own: u32, item: u32) -> vec2<u32> {
  let quad = item % ROW_GROUPS * QUADS;
  let place = own + quad / (FRAG_N / 4u);
  let word = item / ROW_GROUPS * (FRAG_N / 4u) + quad % (FRAG_N / 4u);
  return vec2<u32>(place / SUMS_PER_STRIP, place % SUMS_PER_STRIP * FRAG_QUADS + word);
}

// @import { activate } from '../wgsl/matmul/product-of-four.wgsl'

// 16 bytes as a word of out, or the first lane where a word is one element (never used so: it only has to compile).
fn pack(bits: vec4<u32>) -> OutWord {
  let xy = select(OutWord(OutLane(bits.x)), OutWord(OutLane(bits.y)), LANE_Y);
  let xyz = select(xy, OutWord(OutLane(bits.z)), LANE_Z);
  return select(xyz, OutWord(OutLane(bits.w)), LANE_W);
}

// The quads of 16 bytes: one of f32, or two of f16.
fn quads_of(bits: vec4<u32>) -> array<vec4<f32>, 2> {
  if (QUADS == 1u) { return array<vec4<f32>, 2>(bitcast<vec4<f32>>(bits), vec4<f32>()); }
  return array<vec4<f32>, 2>(vec4<f32>(bitcast<vec4<f16>>(bits.xy)), vec4<f32>(bitcast<vec4<f16>>(bits.zw)));
}

fn bits_of(low: vec4<f32>, high: vec4<f32>) -> vec4<u32> {
  if (QUADS == 1u) { return bitcast<vec4<u32>>(low); }
  return vec4<u32>(bitcast<vec2<u32>>(vec4<f16>(low)), bitcast<vec2<u32>>(vec4<f16>(high)));
}

fn store_element(value: f32, at: u32, residual_at: u32) {
  var sum = value;
  if (HAS_RESIDUAL) { sum += vec4<f32>(vec4<OutLane>(residual[residual_at])).x; }
  if (ACCUMULATE) { sum += vec4<f32>(vec4<OutLane>(out[at])).x; }
  out[at] = OutWord(OutLane(sum));
}

// Four sums of a row whose elements are written one by one; those beyond N are not.
fn store_elements(v: vec4<f32>, left: u32, at: u32, residual_at: u32) {
  store_element(v.x, at, residual_at);
  if (left > 1u) { store_element(v.y, at + 1u, residual_at + 1u); }
  if (left > 2u) { store_element(v.z, at + 2u, residual_at + 2u); }
  if (left > 3u) { store_element(v.w, at + 3u, residual_at + 3u); }
}

fn store_word(low: vec4<f32>, high: vec4<f32>, at: u32, residual_at: u32) {
  var parts = array<vec4<f32>, 2>(low, high);
  if (HAS_RESIDUAL) {
    let more = quads_of(vec4<u32>(vec4<OutLane>(residual[residual_at / OUT_WIDTH])));
    parts[0] += more[0];
    parts[1] += more[1];
  }
  if (ACCUMULATE) {
    let more = quads_of(vec4<u32>(vec4<OutLane>(out[at / OUT_WIDTH])));
    parts[0] += more[0];
    parts[1] += more[1];
  }
  out[at / OUT_WIDTH] = pack(bits_of(parts[0], parts[1]));
}

// Alpha, bias and activation of the sums at `column` and the three after it, `left` of them within N.
fn transform(sums: vec4<f32>, column: u32, left: u32) -> vec4<f32> {
  var v = sums * params.alpha;
  if (HAS_BIAS) {
    let at = params.bias_offset + column;
    v.x += f32(bias[at]);
    if (left > 1u) { v.y += f32(bias[at + 1u]); }
    if (left > 2u) { v.z += f32(bias[at + 2u]); }
    if (left > 3u) { v.w += f32(bias[at + 3u]); }
  }
  return activate(v);
}

// QUADS * 4 sums from (row, column) on; what lies beyond M and N is not written.
fn finish(low: vec4<f32>, high: vec4<f32>, row: u32, column: u32, out_base: u32, residual_base: u32) {
  if (RAGGED && (row >= params.m || column >= params.n)) { return; }
  let left = params.n - column;
  let at = out_base + row * params.out_ld + column;
  let residual_at = residual_base + row * params.residual_ld + column;
  let first = transform(low, column, left);
  if (OUT_WIDTH == 1u) {
    store_elements(first, left, at, residual_at);
  } else if (QUADS == 1u) {
    store_word(first, vec4<f32>(), at, residual_at);
  } else {
    store_word(first, transform(high, column + 4u, 4u), at, residual_at);
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tiles_m = (params.m + BLOCK_M - 1u) / BLOCK_M;
  let tiles_n = (params.n + BLOCK_N - 1u) / BLOCK_N;
  let linear = group.x + group.y * params.groups_x;
  let entry = linear / (tiles_m * tiles_n);
  if (entry >= params.batch * params.slices) { return; }
  // Bands of SWIZZLE rows of tiles, column by column, so that neighbours in time share rows of A and columns of B.
  let tile = linear % (tiles_m * tiles_n);
  let band = tile / (SWIZZLE * tiles_n);
  let band_rows = min(SWIZZLE, tiles_m - band * SWIZZLE);
  let in_band = tile % (SWIZZLE * tiles_n);
  let m0 = (band * SWIZZLE + in_band % band_rows) * BLOCK_M;
  let n0 = (in_band / band_rows) * BLOCK_N;

  let batch = entry / params.slices;
  let slice = entry % params.slices;
  let a_base = params.a_offset + batch * params.a_batch;
  let b_base = params.b_offset + batch * params.b_batch;
  let k_begin = slice * params.k_slice;
  let k_end = min(params.k, k_begin + params.k_slice);
  // First fragment of this subgroup in A and B; where a subgroup's part fills whole strips, its offset in them is a constant.
  let first_m = subgroup / SUBGROUPS_N * FRAGS_M;
  let first_n = subgroup % SUBGROUPS_N * FRAGS_N;
  let rest_m = select(first_m % A_PER_STRIP, 0u, FRAGS_M % A_PER_STRIP == 0u);
  let rest_n = select(first_n % B_PER_STRIP, 0u, FRAGS_N % B_PER_STRIP == 0u);

  // Written out (`@unroll`): fragments stay in registers, and offsets need no bounds test, only where every index is a constant.
  var sums: array<array<Sums, FRAGS_N>, FRAGS_M>;
  var left: array<Left, FRAGS_M>;
  var a_next: array<vec4<u32>, A_LOADS>;
  var b_next: array<vec4<u32>, B_LOADS>;
  for (var i = 0u; i < FRAGS_M; i++) { // @unroll
    for (var j = 0u; j < FRAGS_N; j++) { // @unroll
      sums[i][j] = Sums();
    }
  }
  for (var i = 0u; i < A_LOADS; i++) { // @unroll
    a_next[i] = fetch_a(thread + i * THREADS, a_base, m0, k_begin, k_end);
  }
  for (var i = 0u; i < B_LOADS; i++) { // @unroll
    b_next[i] = fetch_b(thread + i * THREADS, b_base, n0, k_begin, k_end);
  }
  for (var i = 0u; i < A_LOADS; i++) { // @unroll
    stage_a(thread + i * THREADS, 0u, a_next[i]);
  }
  for (var i = 0u; i < B_LOADS; i++) { // @unroll
    stage_b(thread + i * THREADS, 0u, b_next[i]);
  }
  workgroupBarrier();

  // Counted by ones: a loop that is seen to end carries no guard against running forever.
  let steps = (k_end - k_begin + BLOCK_K - 1u) / BLOCK_K;
  for (var step = 0u; step < steps; step++) {
    let next_k = k_begin + (step + 1u) * BLOCK_K;
    let more = step + 1u < steps;
    // NVIDIA's driver moves reads without a condition down to where their values are stored: nothing would be read ahead.
    if (PREFETCH && more) {
      for (var i = 0u; i < A_LOADS; i++) { // @unroll
        a_next[i] = fetch_a(thread + i * THREADS, a_base, m0, next_k, k_end);
      }
      for (var i = 0u; i < B_LOADS; i++) { // @unroll
        b_next[i] = fetch_b(thread + i * THREADS, b_base, n0, next_k, k_end);
      }
    }
    let a_first = step % STAGES * TILE_STRIPS + first_m / A_PER_STRIP;
    let b_first = step % STAGES * TILE_STRIPS + A_STRIPS + first_n / B_PER_STRIP;
    for (var k = 0u; k < K_FRAGS; k++) { // @unroll
      for (var i = 0u; i < FRAGS_M; i++) { // @unroll
        if (A_TRANSPOSED) {
          left[i] = subgroupMatrixLoad<Left, col_major>(&strips[a_first + (rest_m + i) / A_PER_STRIP], k * A_ALONG + (rest_m + i) % A_PER_STRIP * A_ACROSS, A_LINE);
        } else {
          left[i] = subgroupMatrixLoad<Left, row_major>(&strips[a_first + (rest_m + i) / A_PER_STRIP], k * A_ALONG + (rest_m + i) % A_PER_STRIP * A_ACROSS, A_LINE);
        }
      }
      for (var j = 0u; j < FRAGS_N; j++) { // @unroll
        var right: Right;
        if (B_TRANSPOSED) {
          right = subgroupMatrixLoad<Right, col_major>(&strips[b_first + (rest_n + j) / B_PER_STRIP], k * B_ALONG + (rest_n + j) % B_PER_STRIP * B_ACROSS, B_LINE);
        } else {
          right = subgroupMatrixLoad<Right, row_major>(&strips[b_first + (rest_n + j) / B_PER_STRIP], k * B_ALONG + (rest_n + j) % B_PER_STRIP * B_ACROSS, B_LINE);
        }
        for (var i = 0u; i < FRAGS_M; i++) { // @unroll
          sums[i][j] = subgroupMatrixMultiplyAccumulate(left[i], right, sums[i][j]);
        }
      }
    }
    if (STAGES == 1u) { workgroupBarrier(); }
    if (more) {
      for (var i = 0u; i < A_LOADS; i++) { // @unroll
        if (!PREFETCH) { a_next[i] = fetch_a(thread + i * THREADS, a_base, m0, next_k, k_end); }
      }
      for (var i = 0u; i < B_LOADS; i++) { // @unroll
        if (!PREFETCH) { b_next[i] = fetch_b(thread + i * THREADS, b_base, n0, next_k, k_end); }
      }
      for (var i = 0u; i < A_LOADS; i++) { // @unroll
        stage_a(thread + i * THREADS, (step + 1u) % STAGES, a_next[i]);
      }
      for (var i = 0u; i < B_LOADS; i++) { // @unroll
        stage_b(thread + i * THREADS, (step + 1u) % STAGES, b_next[i]);
      }
    }
    workgroupBarrier();
  }

  // Sums reach their lanes through the strips, ROW_FRAGS fragments of each subgroup at a time. Multiplied by a one that the
  // compiler cannot see, the parts of a round stay a loop: every copy of what finishes sums is code to fetch before a workgroup ends.
  let out_base = params.out_offset + batch * params.out_batch + slice * params.slice_stride;
  let residual_base = params.residual_offset + batch * params.residual_batch;
  let own = subgroup * ROW_FRAGS;
  let parts = LANE_GROUPS * params.one;
  for (var round = 0u; round < ALL_ROUNDS; round++) { // @unroll
    let first_row = m0 + first_m * FRAG_M + round / ROUNDS * FRAG_M;
    let first_column = n0 + first_n * FRAG_N + round % ROUNDS * ROW_FRAGS * FRAG_N;
    var before: array<OutWord, LANE_GROUPS>;
    if (ADDS_FIRST) {
      for (var part = 0u; part < LANE_GROUPS; part++) { // @unroll
        let item = part * SUBGROUP_SIZE + lane;
        let row = first_row + item / ROW_GROUPS;
        let column = first_column + item % ROW_GROUPS * QUADS * 4u;
        if (item < ROW_GROUPS * FRAG_M && (!RAGGED || (row < params.m && column < params.n))) {
          before[part] = out[(out_base + row * params.out_ld + column) / OUT_WIDTH];
        }
      }
    }
    for (var j = 0u; j < ROW_FRAGS; j++) { // @unroll
      let place = own + j;
      subgroupMatrixStore<row_major>(&strips[place / SUMS_PER_STRIP], place % SUMS_PER_STRIP * FRAG_QUADS, sums[round / ROUNDS][round % ROUNDS * ROW_FRAGS + j], FRAG_N / 4u);
    }
    workgroupBarrier();
    if (ADDS_FIRST) { // to the words that this lane finishes below
      for (var part = 0u; part < LANE_GROUPS; part++) { // @unroll
        let item = part * SUBGROUP_SIZE + lane;
        if (item < ROW_GROUPS * FRAG_M) {
          let place = place_of_sums(own, item);
          let more = quads_of(vec4<u32>(vec4<OutLane>(before[part])));
          for (var quad = 0u; quad < QUADS; quad++) { // @unroll
            let sum = bitcast<vec4<f32>>(strips[place.x][place.y + quad]) + more[quad];
            strips[place.x][place.y + quad] = bitcast<vec4<u32>>(sum);
          }
        }
      }
    }
    for (var part = 0u; part < parts; part++) {
      let item = part * SUBGROUP_SIZE + lane;
      if (item < ROW_GROUPS * FRAG_M) {
        let place = place_of_sums(own, item);
        let low = bitcast<vec4<f32>>(strips[place.x][place.y]);
        let high = bitcast<vec4<f32>>(strips[place.x][place.y + QUADS - 1u]);
        let column = first_column + item % ROW_GROUPS * QUADS * 4u;
        finish(low, high, first_row + item / ROW_GROUPS, column, out_base, residual_base);
      }
    }
    workgroupBarrier();
  }
}
