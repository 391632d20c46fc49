// One row of a transformer block times stored weights, with what stands around the product (decoding one token):
//   input = what INPUT says, see below;   value[n] = sum_k input[k] * w[n][k] + bias[n];   out = value, or silu(gate) * up.
// INPUT 0: input = x.
// INPUT 1: x, y are partial attention results to merge: x [splits][K] sums of values, y [splits][heads] (max, sum) pairs in whole vec4s.
// INPUT 2: the residual sum: s = x (+ y, or + norm(y) * norm_1), s = norm(s) * norm_1 in post-norm models,
//          carry = s, input = s or norm(s) * norm_2.
// Bound by reading the weights once: each thread fetches STEPS words of COLUMNS rows before it needs the input.
// One workgroup = GROUPS tasks at a time, a task = COLUMNS rows by LANES threads; blocks of tasks are walked by all workgroups.
// Up to four weights [N_p][K] share the input; PAIRED takes row n of w0 and row n of w1 as gate and up (COLUMNS = 2).
// vectors: f32 biases and norm weights of the model, starts divide by 4. x, y, out, carry: f32.
// Workgroup memory: K * 4 (not for INPUT 0) + THREADS / PART * COLUMNS * 4 + THREADS / PART * 4 bytes.
// Reference: decode-reference.ts.
enable subgroups; // @subgroups

// @interface
//   alias Word = vec4<u32>         A word holds 8 halves or 4 floats, or (rows of halves that are no multiple of 8) 2 halves.
//   const IS_WIDE = true
//   const IS_HALF = false
//   const COLUMNS: u32 = 2u
//   const STEPS: u32 = 4u
//   const LANES: u32 = 32u
//   const THREADS: u32 = 256u
//   const PART: u32 = 32u          Threads whose sums one subgroup adds; 1 without subgroups.
//   const INPUT_WORDS: u32 = 256u  vec4s of the input in workgroup memory.
//   const INPUT: u32 = 2u
//   const PARTS: u32 = 4u
//   const PAIRED = false
//   override HAS_Y: bool = true
//   override NORM_Y: bool = false
//   override NORM_SUM: bool = false
//   override NORM_INPUT: bool = false
//   override HAS_CARRY: bool = false
//   read x: array<vec4<f32>>
//   read y: array<vec4<f32>>
//   read vectors: array<vec4<f32>>
//   read w0: array<Word>
//   read w1: array<Word>
//   read w2: array<Word>
//   read w3: array<Word>
//   read_write out: array<f32>
//   read_write carry: array<vec4<f32>>
//   uniform params: Params
//     K: u32, blocks: u32, norm_1: u32, norm_2: u32,
//     splits: u32, head_dim: u32, eps: f32, unused: u32,
//     rows: vec4<u32>,             Of each weight: rows, first block, first element of out, first bias in vectors (NONE for none).
//     first_block: vec4<u32>,
//     out_start: vec4<u32>,
//     bias: vec4<u32>,
//     weight_start: vec4<u32>,

const GROUPS: u32 = THREADS / LANES;
const VALUES: u32 = select(2u, select(4u, 8u, IS_HALF), IS_WIDE);

const NONE = 0xffffffffu;

var<workgroup> input: array<vec4<f32>, INPUT_WORDS>;
var<workgroup> partial: array<array<f32, COLUMNS>, THREADS / PART>;
var<workgroup> squares: array<f32, THREADS / PART>;

// Where the input's vec4 `q` lies: wide halves keep the first and second fours of a word apart, so that lanes hit all banks.
fn place(q: u32) -> u32 {
  if (IS_WIDE && IS_HALF) { return (q & 1u) * (params.K / 8u) + (q >> 1u); }
  return q;
}

fn workgroup_sum(value: f32, thread: u32) -> f32 {
  var sum = value;
  sum = subgroupAdd(sum); // @subgroups
  workgroupBarrier();
  if (thread % PART == 0u) { squares[thread / PART] = sum; }
  workgroupBarrier();
  if (PART == 1u) {
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
      if (thread < half) { squares[thread] += squares[thread + half]; }
      workgroupBarrier();
    }
    return squares[0];
  }
  var total = 0.0;
  for (var i = 0u; i < THREADS / PART; i++) { total += squares[i]; }
  return total;
}

fn scale_of(total: f32) -> f32 {
  return 1.0 / sqrt(total / f32(params.K) + params.eps);
}

// Merges the parts of attention by their maxima.
fn merged(q: u32) -> vec4<f32> {
  let heads = params.K / params.head_dim;
  let head = q * 4u / params.head_dim;
  var maximum = -3.0e38;
  for (var s = 0u; s < params.splits; s++) { maximum = max(maximum, maximum_and_sum(s * heads + head).x); }
  var sum = 0.0;
  var total = vec4<f32>();
  for (var s = 0u; s < params.splits; s++) {
    let part = maximum_and_sum(s * heads + head);
    let weight = exp(part.x - maximum);
    sum += weight * part.y;
    total += weight * x[s * (params.K / 4u) + q];
  }
  return total / sum;
}

fn maximum_and_sum(index: u32) -> vec2<f32> {
  let word = y[index / 2u];
  return select(word.xy, word.zw, index % 2u == 1u);
}

fn prepare_input(thread: u32, is_first_group: bool) {
  let count = params.K / 4u;
  let steps = (count + THREADS - 1u) / THREADS;
  if (INPUT == 1u) {
    for (var step = 0u; step < steps; step++) {
      let q = step * THREADS + thread;
      if (q < count) { input[place(q)] = merged(q); }
    }
  }
  if (INPUT == 2u) {
    var y_scale = 1.0;
    if (NORM_Y) {
      var own = 0.0;
      for (var step = 0u; step < steps; step++) {
        let q = step * THREADS + thread;
        if (q < count) { own += dot(y[q], y[q]); }
      }
      y_scale = scale_of(workgroup_sum(own, thread));
    }
    var own = 0.0;
    for (var step = 0u; step < steps; step++) {
      let q = step * THREADS + thread;
      if (q < count) {
        var value = x[q];
        if (HAS_Y) {
          var addend = y[q];
          if (NORM_Y) { addend *= y_scale * vectors[params.norm_1 / 4u + q]; }
          value += addend;
        }
        own += dot(value, value);
        input[place(q)] = value;
      }
    }
    if (NORM_SUM) {
      let scale = scale_of(workgroup_sum(own, thread));
      own = 0.0;
      for (var step = 0u; step < steps; step++) {
        let q = step * THREADS + thread;
        if (q < count) {
          let value = input[place(q)] * scale * vectors[params.norm_1 / 4u + q];
          own += dot(value, value);
          input[place(q)] = value;
        }
      }
    }
    if (HAS_CARRY && is_first_group) {
      for (var step = 0u; step < steps; step++) {
        let q = step * THREADS + thread;
        if (q < count) { carry[q] = input[place(q)]; }
      }
    }
    if (NORM_INPUT) {
      let scale = scale_of(workgroup_sum(own, thread));
      for (var step = 0u; step < steps; step++) {
        let q = step * THREADS + thread;
        if (q < count) { input[place(q)] *= scale * vectors[params.norm_2 / 4u + q]; }
      }
    }
  }
  if (INPUT != 0u) { workgroupBarrier(); }
}

fn part_of(block: u32) -> u32 {
  var part = 0u;
  if (PARTS > 1u && block >= params.first_block.y) { part = 1u; }
  if (PARTS > 2u && block >= params.first_block.z) { part = 2u; }
  if (PARTS > 3u && block >= params.first_block.w) { part = 3u; }
  return part;
}

// Row `c` of a task of a part: which weight it is in, and which of its rows.
fn weight_of(part: u32, c: u32) -> u32 {
  return select(part, c, PAIRED && part == 0u);
}

fn row_of(part: u32, task: u32, c: u32) -> u32 {
  return select(task * COLUMNS + c, task, PAIRED && part == 0u);
}

fn weight_word(weight: u32, index: u32) -> vec4<u32> {
  if (PARTS > 3u && weight == 3u) { return vec4<u32>(w3[index]); }
  if (PARTS > 2u && weight == 2u) { return vec4<u32>(w2[index]); }
  if (PARTS > 1u && weight == 1u) { return vec4<u32>(w1[index]); }
  return vec4<u32>(w0[index]);
}

fn fetch(part: u32, task: u32, c: u32, word: u32) -> vec4<u32> {
  let weight = weight_of(part, c);
  let words = params.K / VALUES;
  // Rows and words past the end repeat the last one and count nothing.
  let row = min(row_of(part, task, c), params.rows[weight] - 1u);
  return weight_word(weight, params.weight_start[weight] + row * words + min(word, words - 1u));
}

fn input_at(q: u32) -> vec4<f32> {
  if (INPUT == 0u) { return x[q]; }
  return input[place(q)];
}

fn product(bits: vec4<u32>, word: u32) -> f32 {
  if (word >= params.K / VALUES) { return 0.0; }
  if (!IS_WIDE) {
    let four = input_at(word / 2u);
    return dot(unpack2x16float(bits.x), select(four.xy, four.zw, word % 2u == 1u));
  }
  if (!IS_HALF) { return dot(bitcast<vec4<f32>>(bits), input_at(word)); }
  return dot(vec4<f32>(unpack2x16float(bits.x), unpack2x16float(bits.y)), input_at(word * 2u))
    + dot(vec4<f32>(unpack2x16float(bits.z), unpack2x16float(bits.w)), input_at(word * 2u + 1u));
}

fn write_task(part: u32, task: u32, values: array<f32, COLUMNS>) {
  var biased = values;
  for (var c = 0u; c < COLUMNS; c++) {
    let bias = params.bias[weight_of(part, c)];
    let row = row_of(part, task, c);
    if (bias != NONE) { biased[c] += vectors[(bias + row) / 4u][(bias + row) % 4u]; }
  }
  if (PAIRED && part == 0u) {
    if (task < params.rows.x) {
      let gate = biased[0];
      out[params.out_start.x + task] = gate / (1.0 + exp(min(-gate, 80.0))) * biased[COLUMNS - 1u];
    }
    return;
  }
  for (var c = 0u; c < COLUMNS; c++) {
    let row = task * COLUMNS + c;
    if (row < params.rows[part]) { out[params.out_start[part] + row] = biased[c]; }
  }
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(subgroup_id) subgroup: u32, // @subgroups
  @builtin(subgroup_invocation_id) subgroup_lane: u32, // @subgroups
  @builtin(local_invocation_index) index: u32,
) {
  var thread = index;
  thread = subgroup * PART + subgroup_lane; // @subgroups
  let lane = thread % LANES;
  let task_in_block = thread / LANES;
  let words = params.K / VALUES;
  let all_steps = (words + LANES - 1u) / LANES;
  let steps = (params.blocks + groups.x - 1u - group.x) / groups.x;
  // Before anything is known of the input, the first weights are on their way.
  var fetched: array<vec4<u32>, COLUMNS * STEPS>;
  let first_part = part_of(group.x);
  let first_task = (group.x - params.first_block[first_part]) * GROUPS + task_in_block;
  for (var c = 0u; c < COLUMNS; c++) { // @unroll
    for (var s = 0u; s < STEPS; s++) { // @unroll
      fetched[c * STEPS + s] = fetch(first_part, first_task, c, s * LANES + lane);
    }
  }
  prepare_input(thread, group.x == 0u);
  for (var step = 0u; step < steps; step++) {
    let block = group.x + step * groups.x;
    let part = part_of(block);
    let task = (block - params.first_block[part]) * GROUPS + task_in_block;
    if (step > 0u) {
      for (var c = 0u; c < COLUMNS; c++) { // @unroll
        for (var s = 0u; s < STEPS; s++) { // @unroll
          fetched[c * STEPS + s] = fetch(part, task, c, s * LANES + lane);
        }
      }
    }
    var sums: array<f32, COLUMNS>;
    for (var c = 0u; c < COLUMNS; c++) { // @unroll
      sums[c] = 0.0;
      for (var s = 0u; s < STEPS; s++) { // @unroll
        sums[c] += product(fetched[c * STEPS + s], s * LANES + lane);
      }
    }
    for (var s = STEPS; s < all_steps; s++) {
      for (var c = 0u; c < COLUMNS; c++) { // @unroll
        sums[c] += product(fetch(part, task, c, s * LANES + lane), s * LANES + lane);
      }
    }
    for (var c = 0u; c < COLUMNS; c++) { // @unroll
      sums[c] = subgroupAdd(sums[c]); // @subgroups
    }
    if (thread % PART == 0u) { partial[thread / PART] = sums; }
    workgroupBarrier();
    if (PART == 1u) {
      for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (lane < half) {
          for (var c = 0u; c < COLUMNS; c++) { partial[thread][c] += partial[thread + half][c]; }
        }
        workgroupBarrier();
      }
    }
    if (lane == 0u) {
      var total = partial[thread / PART];
      if (PART > 1u) {
        for (var i = 1u; i < LANES / PART; i++) {
          for (var c = 0u; c < COLUMNS; c++) { total[c] += partial[thread / PART + i][c]; }
        }
      }
      write_task(part, task, total);
    }
    workgroupBarrier(); // the next step overwrites `partial`
  }
}
