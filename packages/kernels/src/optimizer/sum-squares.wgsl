// partial[first + g] = sum of squares of part g of an array; up to seven arrays in one dispatch, whose parts follow each other.
// One workgroup = one part: `chunk` elements of one array, four loads of a thread in flight. x0..x6: [size_i] numbers, or fours of
// them, which offset, size and chunk count; partial: one f32 a part.
// Unused arrays have no parts and repeat x0. Workgroup memory: 256 floats = 1 KiB. Reference: reduce-reference.ts.

// @interface
//   alias Element = f32
//   alias Value = f32
//   const IS_VECTOR: bool = false
//   read x0: array<Element>
//   read x1: array<Element>
//   read x2: array<Element>
//   read x3: array<Element>
//   read x4: array<Element>
//   read x5: array<Element>
//   read x6: array<Element>
//   read_write partial: array<f32>
//   uniform params: Params
//     out_offset: u32, parts: u32, unused_0: u32, unused_1: u32,
//     spans: array<Span, 7>,

struct Span {
  offset: u32,
  size: u32,
  chunk: u32,
  // Number of the first part that is past this array.
  end: u32,
}

var<workgroup> shared_part: array<f32, 256>;

fn load(which: u32, i: u32) -> Value {
  switch which {
    case 0u: { return Value(x0[i]); }
    case 1u: { return Value(x1[i]); }
    case 2u: { return Value(x2[i]); }
    case 3u: { return Value(x3[i]); }
    case 4u: { return Value(x4[i]); }
    case 5u: { return Value(x5[i]); }
    default: { return Value(x6[i]); }
  }
}

// Four elements 256 apart: one branch for all, so that no load waits for another.
fn load_four(which: u32, i: u32) -> array<Element, 4> {
  switch which {
    case 0u: { return array(x0[i], x0[i + 256u], x0[i + 512u], x0[i + 768u]); }
    case 1u: { return array(x1[i], x1[i + 256u], x1[i + 512u], x1[i + 768u]); }
    case 2u: { return array(x2[i], x2[i + 256u], x2[i + 512u], x2[i + 768u]); }
    case 3u: { return array(x3[i], x3[i + 256u], x3[i + 512u], x3[i + 768u]); }
    case 4u: { return array(x4[i], x4[i + 256u], x4[i + 512u], x4[i + 768u]); }
    case 5u: { return array(x5[i], x5[i + 256u], x5[i + 512u], x5[i + 768u]); }
    default: { return array(x6[i], x6[i + 256u], x6[i + 512u], x6[i + 768u]); }
  }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let part = group.y * groups.x + group.x;
  if (part >= params.parts) {
    return;
  }
  var which = 0u;
  var before = 0u;
  while (part >= params.spans[which].end) {
    before = params.spans[which].end;
    which++;
  }
  let span = params.spans[which];
  let begin = (part - before) * span.chunk;
  let end = min(span.size, begin + span.chunk);
  let from_span = span.offset + begin + lane;
  let blocks = (end - begin) / 1024u;
  var squares: array<Value, 4>;
  for (var block = 0u; block < blocks; block++) {
    let values = load_four(which, from_span + block * 1024u);
    squares[0] += Value(values[0]) * Value(values[0]);
    squares[1] += Value(values[1]) * Value(values[1]);
    squares[2] += Value(values[2]) * Value(values[2]);
    squares[3] += Value(values[3]) * Value(values[3]);
  }
  for (var i = begin + blocks * 1024u + lane; i < end; i += 256u) {
    let value = load(which, span.offset + i);
    squares[0] += value * value;
  }
  let four = vec4<f32>((squares[0] + squares[1]) + (squares[2] + squares[3]));
  shared_part[lane] = select(four.x, (four.x + four.y) + (four.z + four.w), IS_VECTOR);
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      shared_part[lane] += shared_part[lane + half];
    }
  }
  if (lane == 0u) {
    partial[params.out_offset + part] = shared_part[0];
  }
}
