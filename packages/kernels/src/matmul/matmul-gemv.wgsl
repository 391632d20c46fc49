// Matrix product with few rows (decoding): out = activation(alpha * A . B + bias) + residual (+ out), for M <= ROWS and B stored [N][K].
// Bound by reading B once: each thread reads chunks of 8 of COLUMNS stored rows of B and multiplies them with all rows of A.
// One workgroup = GROUPS * COLUMNS columns of out (of one batch entry and one slice of K); LANES threads share a column's K.
// Sums over lanes, in a fixed order: the variant `memory` goes through workgroup memory, ROWS * GROUPS * LANES * 16 bytes and a barrier
// a halving; the variant `subgroup` shuffles, for LANES that divide a subgroup, without memory and barriers, to the same bits.
// With slices of K, out is [slice][batch][M][N] partial sums.
// Reference: matmul-reference.ts.

// @if subgroup
enable subgroups;
diagnostic(off, subgroup_uniformity);
// @end

// @interface
//   alias AWord = vec4<u32>            Inputs as 16-byte words, or (rows not on multiples of 8 elements) as u32.
//   alias BWord = vec4<u32>
//   alias OutElement = f32
//   alias BiasElement = f32
//   const A_IS_HALF = false
//   const B_IS_HALF = false
//   const A_IS_WIDE = true
//   const B_IS_WIDE = true
//   const ROWS: u32 = 1u
//   const COLUMNS: u32 = 2u            1, 2 or 4.
//   const LANES: u32 = 32u
//   const GROUPS: u32 = 4u
//   override A_TRANSPOSED: bool = false
//   read a: array<AWord>               [batch][M][lda], or [batch][K][lda] when A_TRANSPOSED
//   read b: array<BWord>               [batch][N][ldb]
//   read bias: array<BiasElement>      [N]
//   read residual: array<OutElement>   [batch][M][ld]
//   read_write out: array<OutElement>  [batch][M][ld]
//   uniform params: Params

const THREADS: u32 = GROUPS * LANES;

// @import { HAS_BIAS, HAS_RESIDUAL, ACCUMULATE, Params, activate } from '../wgsl/matmul/product.wgsl'

// @if memory
var<workgroup> partial: array<array<vec4<f32>, ROWS>, THREADS>;
// @end

struct Chunk { low: vec4<f32>, high: vec4<f32> }

fn from_halves(word: vec4<u32>) -> Chunk {
  return Chunk(
    vec4<f32>(unpack2x16float(word.x), unpack2x16float(word.y)),
    vec4<f32>(unpack2x16float(word.z), unpack2x16float(word.w)),
  );
}

fn element_of_a(index: u32) -> f32 {
  if (A_IS_HALF) { return unpack2x16float(vec4<u32>(a[index / 2u]).x >> (index % 2u * 16u)).x; }
  return bitcast<f32>(vec4<u32>(a[index]).x);
}

fn element_of_b(index: u32) -> f32 {
  if (B_IS_HALF) { return unpack2x16float(vec4<u32>(b[index / 2u]).x >> (index % 2u * 16u)).x; }
  return bitcast<f32>(vec4<u32>(b[index]).x);
}

// 8 elements that are `step` apart; those at `left` and beyond are zero.
fn chunk_of_a(index: u32, step: u32, left: u32) -> Chunk {
  if (A_IS_WIDE) {
    if (A_IS_HALF) { return from_halves(vec4<u32>(a[index >> 3u])); }
    return Chunk(bitcast<vec4<f32>>(vec4<u32>(a[index >> 2u])), bitcast<vec4<f32>>(vec4<u32>(a[(index >> 2u) + 1u])));
  }
  var chunk = Chunk();
  for (var i = 0u; i < 4u; i++) {
    if (i < left) { chunk.low[i] = element_of_a(index + i * step); }
    if (i + 4u < left) { chunk.high[i] = element_of_a(index + (i + 4u) * step); }
  }
  return chunk;
}

fn chunk_of_b(index: u32, left: u32) -> Chunk {
  if (B_IS_WIDE) {
    if (B_IS_HALF) { return from_halves(vec4<u32>(b[index >> 3u])); }
    return Chunk(bitcast<vec4<f32>>(vec4<u32>(b[index >> 2u])), bitcast<vec4<f32>>(vec4<u32>(b[(index >> 2u) + 1u])));
  }
  var chunk = Chunk();
  for (var i = 0u; i < 4u; i++) {
    if (i < left) { chunk.low[i] = element_of_b(index + i); }
    if (i + 4u < left) { chunk.high[i] = element_of_b(index + i + 4u); }
  }
  return chunk;
}

// The epilogue of one sum; what lies beyond M and N is not written.
fn store_sum(total: f32, row: u32, column: u32, batch: u32, slice: u32) {
  if (row >= params.m || column >= params.n) { return; }
  var sum = total * params.alpha;
  if (HAS_BIAS) { sum += f32(bias[params.bias_offset + column]); }
  sum = activate(sum);
  if (HAS_RESIDUAL) {
    sum += f32(residual[params.residual_offset + batch * params.residual_batch + row * params.residual_ld + column]);
  }
  let at = params.out_offset + batch * params.out_batch + slice * params.slice_stride + row * params.out_ld + column;
  if (ACCUMULATE) { sum += f32(out[at]); }
  out[at] = OutElement(sum);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let tiles = (params.n + GROUPS * COLUMNS - 1u) / (GROUPS * COLUMNS);
  let linear = group.x + group.y * params.groups_x;
  let entry = linear / tiles;
  if (entry >= params.batch * params.slices) { return; }
  let batch = entry / params.slices;
  let slice = entry % params.slices;
  let lane = thread % LANES;
  let first = (linear % tiles * GROUPS + thread / LANES) * COLUMNS;
  let a_base = params.a_offset + batch * params.a_batch;
  let b_base = params.b_offset + batch * params.b_batch;
  let k_begin = slice * params.k_slice;
  let k_end = min(params.k, k_begin + params.k_slice);
  let a_row = select(params.a_ld, 1u, A_TRANSPOSED);
  let a_step = select(1u, params.a_ld, A_TRANSPOSED);

  // Written out (`@unroll`): arrays stay in registers where every index is a constant.
  var sums: array<vec4<f32>, ROWS>;
  var low: array<vec4<f32>, COLUMNS>;
  var high: array<vec4<f32>, COLUMNS>;
  let steps = (k_end - k_begin + LANES * 8u - 1u) / (LANES * 8u);
  for (var step = 0u; step < steps; step++) {
    let k = k_begin + (step * LANES + lane) * 8u;
    if (k < k_end) {
      let left = k_end - k;
      for (var c = 0u; c < COLUMNS; c++) { // @unroll
        // A column beyond N repeats the last one and is not written.
        let chunk = chunk_of_b(b_base + min(first + c, params.n - 1u) * params.b_ld + k, left);
        low[c] = chunk.low;
        high[c] = chunk.high;
      }
      for (var m = 0u; m < ROWS; m++) { // @unroll
        let chunk = chunk_of_a(a_base + m * a_row + k * a_step, a_step, left);
        for (var c = 0u; c < COLUMNS; c++) { // @unroll
          sums[m][c] += dot(chunk.low, low[c]) + dot(chunk.high, high[c]);
        }
      }
    }
  }
  // @if memory
  for (var m = 0u; m < ROWS; m++) { // @unroll
    partial[thread][m] = sums[m];
  }
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      for (var m = 0u; m < ROWS; m++) { partial[thread][m] += partial[thread + half][m]; }
    }
    workgroupBarrier();
  }
  for (var i = lane; i < ROWS * COLUMNS; i += LANES) {
    store_sum(partial[thread - lane][i / COLUMNS][i % COLUMNS], i / COLUMNS, first + i % COLUMNS, batch, slice);
  }
  // @end
  // @if subgroup
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    for (var m = 0u; m < ROWS; m++) { // @unroll
      sums[m] += subgroupShuffleXor(sums[m], half);
    }
  }
  for (var column = lane; column < COLUMNS; column += LANES) {
    for (var m = 0u; m < ROWS; m++) { // @unroll
      store_sum(sums[m][column], m, first + column, batch, slice);
    }
  }
  // @end
}
