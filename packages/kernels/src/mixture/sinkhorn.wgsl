// Sinkhorn's iteration on exp(logits): rows and columns of small matrices normalised in turns, ITERATIONS times.
// Backward: the iteration runs again with its sums kept, and then back: of b = a / sum(a), da = (db - sum(db b)) / sum(a).
// One thread = one matrix, in its private memory; 64 threads a workgroup. d_out is read and out is the logits' gradient with IS_BACKWARD.
// Workgroup memory: none. Reference: mixture-reference.ts.

// @interface
//   alias Element = f32
//   const SIZE: u32 = 4u
//   const ITERATIONS: u32 = 20u
//   override IS_BACKWARD: bool = false
//   read logits: array<Element>     [matrices, SIZE, SIZE]
//   read d_out: array<Element>      [matrices, SIZE, SIZE]
//   read_write out: array<Element>  [matrices, SIZE, SIZE]
//   uniform params: Params
//     matrices: u32, logits_offset: u32, d_out_offset: u32, out_offset: u32,

// Places of rows first, then of columns: line i of kind 0 is a row.
fn place(kind: u32, i: u32, j: u32) -> u32 {
  return select(j * SIZE + i, i * SIZE + j, kind == 0u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= params.matrices) {
    return;
  }
  let start = index * SIZE * SIZE;
  var m: array<f32, SIZE * SIZE>;
  var sums: array<f32, 2u * ITERATIONS * SIZE>;
  for (var i = 0u; i < SIZE * SIZE; i++) { // @unroll
    m[i] = exp(f32(logits[params.logits_offset + start + i]));
  }
  for (var step = 0u; step < ITERATIONS; step++) {
    for (var kind = 0u; kind < 2u; kind++) { // @unroll
      for (var i = 0u; i < SIZE; i++) { // @unroll
        var sum = 0.0;
        for (var j = 0u; j < SIZE; j++) { // @unroll
          sum += m[place(kind, i, j)];
        }
        for (var j = 0u; j < SIZE; j++) { // @unroll
          m[place(kind, i, j)] /= sum;
        }
        if (IS_BACKWARD) {
          sums[(2u * step + kind) * SIZE + i] = sum;
        }
      }
    }
  }
  if (!IS_BACKWARD) {
    for (var i = 0u; i < SIZE * SIZE; i++) { // @unroll
      out[params.out_offset + start + i] = Element(m[i]);
    }
    return;
  }
  var d: array<f32, SIZE * SIZE>;
  for (var i = 0u; i < SIZE * SIZE; i++) { // @unroll
    d[i] = f32(d_out[params.d_out_offset + start + i]);
  }
  for (var step = 0u; step < ITERATIONS; step++) {
    for (var turn = 0u; turn < 2u; turn++) { // @unroll
      let kind = 1u - turn;
      for (var i = 0u; i < SIZE; i++) { // @unroll
        var mean = 0.0;
        for (var j = 0u; j < SIZE; j++) { // @unroll
          mean += d[place(kind, i, j)] * m[place(kind, i, j)];
        }
        let sum = sums[(2u * (ITERATIONS - 1u - step) + kind) * SIZE + i];
        for (var j = 0u; j < SIZE; j++) { // @unroll
          d[place(kind, i, j)] = (d[place(kind, i, j)] - mean) / sum;
          m[place(kind, i, j)] *= sum;
        }
      }
    }
  }
  for (var i = 0u; i < SIZE * SIZE; i++) { // @unroll
    out[params.out_offset + start + i] = Element(d[i] * m[i]);
  }
}
