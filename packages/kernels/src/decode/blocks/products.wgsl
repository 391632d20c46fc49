// The matrix products of a block: weights are fetched before their input is waited for, rows are divided over lanes.
// Expects of the importer: the sizes, workgroup arrays and bindings of decode-blocks.wgsl.

// @import { send, is_due, number, polls, place, hidden_place, weight_word, sum_four, row_of_lane } from './exchange.wgsl'

// Waits for `THREADS * steps` words from `start` (at most `count` of them) and stages them as they come.
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

// Where row `row` of q, k, v and the attention's slot begins: (storage, word, matrix, row of that matrix).
fn raw_row(block: u32, row: u32) -> vec4<u32> {
  var matrix = Q;
  var own = row;
  if (row >= A) { matrix = 1u; own = row - A; }
  if (row >= A + KV) { matrix = 2u; own = row - A - KV; }
  if (HAS_ATTENTION_KV && row >= A + 2u * KV) { matrix = 3u; own = row - A - 2u * KV; }
  let at = params.blocks[block].matrices[matrix];
  return vec4(at.y, at.x + own * C_WORDS, matrix, own);
}

fn fetch_raw(group: u32, block: u32) {
  let lane = thread % C_LANES;
  let part = min(thread / C_LANES, C_GROUPS - 1u);
  for (var t = 0u; t < RAW_ROUNDS; t++) { // @unroll
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
  for (var t = 0u; t < OUT_ROUNDS; t++) { // @unroll
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
  for (var t = 0u; t < PAIR_ROUNDS; t++) { // @unroll
    let row = min(group * PAIR_ROWS + min(t * C_GROUPS + part, PAIR_ROWS - 1u), F - 1u);
    for (var s = 0u; s < C_STEPS; s++) { // @unroll
      gate_words[t * C_STEPS + s] = weight_word(gate.y, gate.x + row * C_WORDS + s * C_LANES + lane);
      up_words[t * C_STEPS + s] = weight_word(up.y, up.x + row * C_WORDS + s * C_LANES + lane);
    }
  }
  if (HAS_FFN_KV) {
    let kv = params.blocks[block].matrices[FFN_KV];
    for (var t = 0u; t < FFN_KV_ROUNDS; t++) { // @unroll
      let row = min(group * FFN_KV_ROWS + min(t * C_GROUPS + part, FFN_KV_ROWS - 1u), FFN_KV_WIDTH - 1u);
      for (var s = 0u; s < C_STEPS; s++) { // @unroll
        ffn_kv_words[t * C_STEPS + s] = weight_word(kv.y, kv.x + row * C_WORDS + s * C_LANES + lane);
      }
    }
  }
}

fn fetch_down(group: u32, block: u32) {
  let lane = thread % F_LANES;
  let part = min(thread / F_LANES, F_GROUPS - 1u);
  let at = params.blocks[block].matrices[DOWN];
  for (var t = 0u; t < DOWN_ROUNDS; t++) { // @unroll
    let row = min(group * OUT_ROWS + min(t * F_GROUPS + part, OUT_ROWS - 1u), C - 1u);
    for (var s = 0u; s < F_STEPS; s++) { // @unroll
      down_words[t * F_STEPS + s] = weight_word(at.y, at.x + row * F_WORDS + s * F_LANES + lane);
    }
  }
}

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
  for (var t = 0u; t < RAW_ROUNDS; t++) { // @unroll
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
  if (IS_SERIAL) { workgroupBarrier(); }
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
    for (var t = 0u; t < OUT_ROUNDS; t++) { // @unroll
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
  if (IS_SERIAL) { workgroupBarrier(); }
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
  for (var t = 0u; t < PAIR_ROUNDS; t++) { // @unroll
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
  if (HAS_FFN_KV) {
    var sums: array<vec4<f32>, max(FFN_KV_FOURS, 1u)>;
    for (var i = 0u; i < FFN_KV_FOURS; i++) { // @unroll
      sums[i] = vec4<f32>();
    }
    for (var t = 0u; t < FFN_KV_ROUNDS; t++) { // @unroll
      for (var s = 0u; s < C_STEPS; s++) { // @unroll
        sums[t / 4u][t % 4u] += dot_words(ffn_kv_words[t * C_STEPS + s], input[s * FOURS], input[s * FOURS + FOURS - 1u]);
      }
    }
    for (var i = 0u; i < FFN_KV_FOURS; i++) { // @unroll
      let total = sum_four(sums[i]);
      let row = (i * 4u + row_of_lane(thread % SUBGROUP)) * C_GROUPS + part;
      if (thread % SUBGROUP < 4u && part < C_GROUPS && row < FFN_KV_ROWS) {
        partial[0][(2u * PAIR_ROWS + row) * parts + lane / SUBGROUP] = total;
      }
    }
  }
  workgroupBarrier();
  let factor = finish_input(true);
  for (var own = thread; own < PAIR_ROWS + FFN_KV_ROWS; own += THREADS) {
    if (own < PAIR_ROWS) {
      let row = group * PAIR_ROWS + own;
      if (row < F) {
        let gate = sum_of_row(0u, own, parts) * factor + bias_of(block, GATE, row);
        let up = sum_of_row(0u, PAIR_ROWS + own, parts) * factor + bias_of(block, UP, row);
        send(HIDDEN_AT + hidden_place(row), gate / (1.0 + exp(min(-gate, 80.0))) * up);
      }
    } else {
      let row = group * FFN_KV_ROWS + own - PAIR_ROWS;
      if (row < FFN_KV_WIDTH) {
        let value = sum_of_row(0u, PAIR_ROWS + own, parts) * factor + bias_of(block, FFN_KV, row);
        send(FFN_KV_AT + row, value);
      }
    }
  }
  if (IS_SERIAL) { workgroupBarrier(); }
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
    for (var t = 0u; t < DOWN_ROUNDS; t++) { // @unroll
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
  if (IS_SERIAL) { workgroupBarrier(); }
}

var<private> raw_words: array<vec4<u32>, RAW_ROUNDS * C_STEPS>;

var<private> out_words: array<vec4<u32>, OUT_ROUNDS * A_STEPS>;

var<private> gate_words: array<vec4<u32>, PAIR_ROUNDS * C_STEPS>;

var<private> up_words: array<vec4<u32>, PAIR_ROUNDS * C_STEPS>;

var<private> ffn_kv_words: array<vec4<u32>, max(FFN_KV_ROUNDS, 1u) * C_STEPS>;

var<private> down_words: array<vec4<u32>, DOWN_ROUNDS * F_STEPS>;

// The input of a product on C numbers, by lane, without the factor that `finish_input` finds.
var<private> input: array<vec4<f32>, C_STEPS * FOURS>;

var<private> norm_weights: array<vec4<f32>, C_STEPS * FOURS>;
