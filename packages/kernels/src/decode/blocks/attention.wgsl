// The attention of a block over the cache, the depth slots and the token itself, a split of the keys at a time.
// Expects of the importer: the sizes, workgroup arrays and bindings of decode-blocks.wgsl.

// @import { send, is_due, number, polls, place, floats, bits_of, start_of, left_of, right_of, vector_at } from './exchange.wgsl'
// @import { rotation_of } from '../../wgsl/rotation.wgsl'

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
  if (i < FFN_KV_NUMBERS) { return vec2(RAW_AT + i + head * D, tag); }
  if (i < SLOT_NUMBERS) {
    let j = i - FFN_KV_NUMBERS;
    return vec2(FFN_KV_AT + j + select(0u, head * D, j >= KV), previous_tag);
  }
  let j = i - SLOT_NUMBERS;
  return vec2(RAW_AT + own_start + j + select(0u, head * D, j >= KV), tag);
}

// Waits for the first `count` numbers of a unit; those of slots that are not to be written are left out.
fn stage_numbers(head: u32, count: u32, own_start: u32, has_ffn_slot: bool, has_slot: bool) {
  for (var base = 0u; base < count; base += THREADS * 4u) {
    var places: array<vec2<u32>, 4>;
    var words: array<u32, 4>;
    var are_needed: array<bool, 4>;
    for (var i = 0u; i < 4u; i++) { // @unroll
      let n = base + i * THREADS + thread;
      places[i] = number_place(min(n, count - 1u), head, own_start);
      are_needed[i] = n < count
        && (n < FFN_KV_NUMBERS || (n < SLOT_NUMBERS && has_ffn_slot) || (n >= SLOT_NUMBERS && has_slot));
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

// Norm weights of pair `item` of a head's rows.
fn norm_pair(block: u32, head: u32, item: u32) -> vec2<f32> {
  let row = min(item / (D / 2u), ROWS - 1u);
  let i = item % (D / 2u);
  if (QK_NORM == 0u || (row > TOKEN_KEY && !NORM_DEPTH)) { return vec2(1.0); }
  let norms = params.blocks[block].norms;
  var start = norms.w;
  if (row < G) { start = norms.z; }
  if (row == FFN_KEY) { start = params.blocks[block].places.x; }
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
        own.z = select(0.0, square_sum(FFN_KV_NUMBERS, KV), slots.z != NONE);
        own.w = select(0.0, square_sum(SLOT_NUMBERS, KV), slots.w != NONE);
      }
    }
    scales = 1.0 / sqrt(workgroup_sum(own) / vec4(f32(A), vec3(f32(KV))) + params.eps);
  }
  let items = n_rows * (D / 2u);
  for (var item = thread; item < items; item += THREADS) {
    let row = item / (D / 2u);
    let i = item % (D / 2u);
    if ((row == FFN_KEY && slots.z == NONE) || (row == SLOT_KEY && slots.w == NONE)) { continue; }
    let start = start_of(row, head);
    var pair = vec2(numbers[start + left_of(i)], numbers[start + right_of(i)]);
    if (QK_NORM != 0u && (row <= TOKEN_KEY || NORM_DEPTH)) {
      var scale = scales.x;
      if (row == TOKEN_KEY) { scale = scales.y; }
      if (row == FFN_KEY) { scale = scales.z; }
      if (row == SLOT_KEY) { scale = scales.w; }
      if (QK_NORM == 2u) {
        var total = 0.0;
        for (var d = 0u; d < D; d++) { total += numbers[start + d] * numbers[start + d]; }
        scale = 1.0 / sqrt(total / f32(D) + params.eps);
      }
      if (item == thread) { pair *= scale * first_norms; } else { pair *= scale * norm_pair(block, head, item); }
    }
    var rotation = vec2(1.0, 0.0);
    if (IS_ROTARY && (row <= TOKEN_KEY || ROTATE_DEPTH)) { rotation = rotation_of(position * params.frequencies[i / 4u][i % 4u]); }
    let factor = select(1.0, params.scale, row < G);
    rows[row * D + left_of(i)] = (pair.x * rotation.x - pair.y * rotation.y) * factor;
    rows[row * D + right_of(i)] = (pair.x * rotation.y + pair.y * rotation.x) * factor;
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

// A value of the head: of the token (A + KV), of the FFN's slot (FFN_KV_NUMBERS + KV) or of the own one.
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
    let ffn_slot_at = (slots.z * HKV + head) * KEY_LANES + lane;
    let slot_at = (slots.w * HKV + head) * KEY_LANES + lane;
    let part = item / KEY_LANES;
    if (part == 0u) { cache_k[places.y + own] = prepared_key(TOKEN_KEY, lane); }
    if (part == 1u) { cache_v[places.z + own] = prepared_value(A + KV, lane); }
    if (HAS_DEPTH) {
      if (part == 2u && slots.z != NONE) { depth_k[ffn_slot_at] = prepared_key(FFN_KEY, lane); }
      if (part == 3u && slots.z != NONE) { depth_v[ffn_slot_at] = prepared_value(FFN_KV_NUMBERS + KV, lane); }
      if (part == 4u && slots.w != NONE) { depth_k[slot_at] = prepared_key(SLOT_KEY, lane); }
      if (part == 5u && slots.w != NONE) { depth_v[slot_at] = prepared_value(SLOT_NUMBERS + KV, lane); }
    }
  }
}

// Splits that share the keys at this position.
fn splits_of(n_slots: u32, position: u32) -> u32 {
  return clamp((n_slots + position + params.keys_a_split) / params.keys_a_split, 1u, SPLITS);
}

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

// What this pass writes is not read back: the token itself and the FFN's slot come from workgroup memory.
fn replace_new_keys(block: u32, span: Span, first_key: u32) {
  let lane = thread % KEY_LANES;
  let count = span.n_slots + span.end - span.begin;
  let ffn_slot = params.blocks[block].slots.z;
  for (var a = 0u; a < AHEAD; a++) { // @unroll
    let n = first_key + a * KEYS + thread / KEY_LANES;
    if (n + 1u == count) {
      k_bits[a] = prepared_key(TOKEN_KEY, lane);
      v_bits[a] = prepared_value(A + KV, lane);
    }
    // Past the end: what was fetched there may be anything, even NaN.
    if (n >= count) {
      k_bits[a] = vec4<u32>();
      v_bits[a] = vec4<u32>();
    }
    if (HAS_DEPTH && n < span.n_slots && span.slot + n == ffn_slot) {
      k_bits[a] = prepared_key(FFN_KEY, lane);
      v_bits[a] = prepared_value(FFN_KV_NUMBERS + KV, lane);
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
  var n_numbers = select(FFN_KV_NUMBERS, NUMBERS, is_first);
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
  let steps = (count + KEYS * AHEAD - 1u) / (KEYS * AHEAD);
  for (var step = 0u; step < steps; step++) {
    let first_key = step * AHEAD * KEYS;
    if (step > 0u) { fetch_keys(places, span, head, first_key); }
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
        if ((step * AHEAD + a) * KEYS + key < count) { next = max(next, scores[a * G + g]); }
      }
      let rescale = exp(maximum[g] - next);
      maximum[g] = next;
      sum[g] *= rescale;
      for (var f = 0u; f < FOURS; f++) { // @unroll
        acc[g * FOURS + f] *= rescale;
      }
      for (var a = 0u; a < AHEAD; a++) { // @unroll
        let is_key = (step * AHEAD + a) * KEYS + key < count;
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
