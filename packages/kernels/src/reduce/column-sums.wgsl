// Sums of columns in one pass: out[c] (+)= sum over r of x[r, c], in f32.
// One workgroup = WIDTH neighbouring 16-byte words of all rows; one thread = one word of every LINES-th row, eight loads in flight,
// then a tree over the threads of a word. The order of the sum depends on the sizes and the device's limits alone.
// Workgroup memory: THREADS * QUADS * 16 bytes. Reference: reduce.gpu.test.ts.

// @interface
//   alias Output = f32
//   const THREADS: u32 = 256u
//   const WIDTH: u32 = 1u
//   const QUADS: u32 = 1u          Quads of numbers in a word: 1 of f32 or 2 of f16.
//   override ACCUMULATE: bool = false
//   read x: array<vec4<u32>>       [rows][row_words] words of 4 f32 or 8 f16
//   read_write out: array<Output>  [columns]
//   uniform params: Params
//     rows: u32,
//     words: u32,
//     row_words: u32,
//     x_offset: u32,               in words
//     out_offset: u32,

const LINES: u32 = THREADS / WIDTH;
const STEP: u32 = 8u * LINES;

struct Sums {
  low: vec4<f32>,
  high: vec4<f32>,
}

var<workgroup> sums: array<array<vec4<f32>, QUADS>, THREADS>;

fn plus(sum: Sums, bits: vec4<u32>) -> Sums {
  if (QUADS == 1u) {
    return Sums(sum.low + bitcast<vec4<f32>>(bits), sum.high);
  }
  let a = vec4<f32>(unpack2x16float(bits.x), unpack2x16float(bits.y));
  let b = vec4<f32>(unpack2x16float(bits.z), unpack2x16float(bits.w));
  return Sums(sum.low + a, sum.high + b);
}

fn store(value: vec4<f32>, at: u32) {
  for (var i = 0u; i < 4u; i++) {
    var sum = value[i];
    if (ACCUMULATE) {
      sum += f32(out[at + i]);
    }
    out[at + i] = Output(sum);
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let word = (group.y * groups.x + group.x) * WIDTH + thread % WIDTH;
  let line = thread / WIDTH;
  var sum = Sums();
  if (word < params.words) {
    let start = params.x_offset + word;
    let stride = LINES * params.row_words;
    let whole = params.rows / STEP * STEP;
    for (var row = line; row < whole; row += STEP) {
      let at = start + row * params.row_words;
      let x0 = x[at];
      let x1 = x[at + stride];
      let x2 = x[at + 2u * stride];
      let x3 = x[at + 3u * stride];
      let x4 = x[at + 4u * stride];
      let x5 = x[at + 5u * stride];
      let x6 = x[at + 6u * stride];
      let x7 = x[at + 7u * stride];
      sum = plus(plus(plus(plus(plus(plus(plus(plus(sum, x0), x1), x2), x3), x4), x5), x6), x7);
    }
    for (var row = whole + line; row < params.rows; row += LINES) {
      sum = plus(sum, x[start + row * params.row_words]);
    }
  }
  sums[thread][0] = sum.low;
  sums[thread][QUADS - 1u] = select(sum.low, sum.high, QUADS == 2u);
  // Four lines become one until one is left.
  for (var lines = LINES; lines > 1u; lines = (lines + 3u) / 4u) {
    workgroupBarrier();
    let left = (lines + 3u) / 4u;
    if (line < left) {
      for (var other = line + left; other < lines; other += left) {
        let place = other * WIDTH + thread % WIDTH;
        sums[thread][0] += sums[place][0];
        if (QUADS == 2u) {
          sums[thread][QUADS - 1u] += sums[place][QUADS - 1u];
        }
      }
    }
  }
  if (line == 0u && word < params.words) {
    let at = params.out_offset + word * 4u * QUADS;
    store(sums[thread][0], at);
    if (QUADS == 2u) {
      store(sums[thread][QUADS - 1u], at + 4u);
    }
  }
}
