// out[o] = f over the reduced elements of strided x, in a fixed order: lanes walk the elements, then a tree joins the lanes.
// One workgroup = 256 / LANES outputs, LANES lanes each, one part (of `splits`) of the reduced elements.
// x: kept dimensions and reduced dimensions, each up to four after merging.
// Workgroup memory: 256 accumulators = 1 KiB. Reference: reduce-reference.ts.

// @interface
//   alias Element = f32
//   alias Output = f32
//   alias Accumulator = f32
//   const IS_FLOAT: bool = true
//   override OP: u32 = 0u
//   override LANES: u32 = 256u
//   override KEPT_RANK: u32 = 1u
//   override REDUCED_RANK: u32 = 1u
//   override LANES_INNERMOST: bool = true  Neighbouring threads are neighbouring reduced elements (true) or neighbouring outputs (false).
//   override ACCUMULATE: bool = false      out is added to; for sums of floats.
//   read x: array<Element>
//   read_write out: array<Output>          [splits, outputs]
//   uniform params: Params
//     outputs: u32, count: u32, splits: u32, chunk: u32,
//     offset: u32, out_offset: u32, identity: u32, unused: u32,
//     kept_shape: array<vec4<u32>, 2>,
//     kept_strides: array<vec4<u32>, 2>,
//     reduced_shape: array<vec4<u32>, 2>,
//     reduced_strides: array<vec4<u32>, 2>,

var<workgroup> shared_part: array<Accumulator, 256>;

fn is_nan(v: Accumulator) -> bool {
  return IS_FLOAT && (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn combine(l: Accumulator, r: Accumulator) -> Accumulator {
  switch OP {
    case 1u: {
      if (is_nan(l) || is_nan(r)) {
        return l + r;
      }
      return max(l, r);
    }
    case 2u: {
      if (is_nan(l) || is_nan(r)) {
        return l + r;
      }
      return min(l, r);
    }
    default: { return l + r; }
  }
}

// What is reduced so far and one more element.
fn joined(part: Accumulator, v: Accumulator) -> Accumulator {
  if (OP == 3u) {
    return part + v * v;
  }
  return combine(part, v);
}

fn kept_offset(index: u32) -> u32 {
  var rest = index;
  var at = 0u;
  for (var d = KEPT_RANK - 1u; d > 0u; d--) {
    let extent = params.kept_shape[d / 4u][d % 4u];
    at += (rest % extent) * params.kept_strides[d / 4u][d % 4u];
    rest /= extent;
  }
  return at + rest * params.kept_strides[0][0];
}

fn reduced_offset(index: u32) -> u32 {
  var rest = index;
  var at = 0u;
  for (var d = REDUCED_RANK - 1u; d > 0u; d--) {
    let extent = params.reduced_shape[d / 4u][d % 4u];
    at += (rest % extent) * params.reduced_strides[d / 4u][d % 4u];
    rest /= extent;
  }
  return at + rest * params.reduced_strides[0][0];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let width = 256u / LANES;
  let blocks = (params.outputs + width - 1u) / width;
  let item = group.y * groups.x + group.x;
  let split = item / blocks;
  var r = lane % LANES;
  var o = lane / LANES;
  var distance = 1u;
  if (!LANES_INNERMOST) {
    o = lane % width;
    r = lane / width;
    distance = width;
  }
  let output = (item % blocks) * width + o;
  let isActive = output < params.outputs && split < params.splits;

  var part = bitcast<Accumulator>(params.identity);
  if (isActive) {
    let base = params.offset + kept_offset(output);
    let end = min(params.count, (split + 1u) * params.chunk);
    let first = split * params.chunk + r;
    let steps = select(0u, (end - first + LANES - 1u) / LANES, first < end);
    // Four loads in flight; joined in order.
    let blocks = steps / 4u;
    for (var block = 0u; block < blocks; block++) {
      let i = first + block * 4u * LANES;
      let v0 = Accumulator(x[base + reduced_offset(i)]);
      let v1 = Accumulator(x[base + reduced_offset(i + LANES)]);
      let v2 = Accumulator(x[base + reduced_offset(i + 2u * LANES)]);
      let v3 = Accumulator(x[base + reduced_offset(i + 3u * LANES)]);
      part = joined(joined(joined(joined(part, v0), v1), v2), v3);
    }
    for (var step = blocks * 4u; step < steps; step++) {
      part = joined(part, Accumulator(x[base + reduced_offset(first + step * LANES)]));
    }
  }
  shared_part[lane] = part;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (r < half) {
      shared_part[lane] = combine(shared_part[lane], shared_part[lane + half * distance]);
    }
  }
  if (isActive && r == 0u) {
    let at = params.out_offset + split * params.outputs + output;
    var result = shared_part[lane];
    if (ACCUMULATE) {
      result += Accumulator(out[at]);
    }
    out[at] = Output(result);
  }
}
