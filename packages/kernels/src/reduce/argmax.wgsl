// out[r] = index of the first maximum of x[r, :]; a NaN counts as the largest, as in PyTorch.
// One workgroup = one row.
// Workgroup memory: 256 values and 256 indices = 2 KiB. Reference: reduce-reference.ts.

// @interface
//   alias Element = f32
//   alias Value = f32
//   const IS_FLOAT: bool = true
//   read x: array<Element>      [rows, N]
//   read_write out: array<i32>  [rows]
//   uniform params: Params
//     rows: u32, N: u32, offset: u32, out_offset: u32,

const NOWHERE = 0xffffffffu;

var<workgroup> best_value: array<Value, 256>;
var<workgroup> best_index: array<u32, 256>;

// By its bits: a compiler may take v == v for true.
fn is_nan(v: Value) -> bool {
  return IS_FLOAT && (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn is_better(value: Value, index: u32, than: Value, at: u32) -> bool {
  if (index == NOWHERE || at == NOWHERE) {
    return index != NOWHERE;
  }
  if (is_nan(value) || is_nan(than)) {
    return is_nan(value) && (!is_nan(than) || index < at);
  }
  return value > than || (value == than && index < at);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) {
    return;
  }
  let base = params.offset + row * params.N;
  var value = Value(0);
  var index = NOWHERE;
  for (var i = lane; i < params.N; i += 256u) {
    let v = Value(x[base + i]);
    if (is_better(v, i, value, index)) {
      value = v;
      index = i;
    }
  }
  best_value[lane] = value;
  best_index[lane] = index;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half && is_better(best_value[lane + half], best_index[lane + half], best_value[lane], best_index[lane])) {
      best_value[lane] = best_value[lane + half];
      best_index[lane] = best_index[lane + half];
    }
  }
  if (lane == 0u) {
    out[params.out_offset + row] = i32(best_index[0]);
  }
}
