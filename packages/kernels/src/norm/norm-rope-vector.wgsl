// norm-rope.wgsl for f16 rows that start at 16 bytes, all components rotated, halves apart: 16 bytes a load and a store.
// One workgroup = THREADS / LANES rows; one lane = 8 pairs of a head, all its loads in flight at once; lanes beyond the row's idle.
// Shapes as in norm-rope.wgsl, as 8 halves an element; stride and the offsets of x, weight, out and v count elements.
// Workgroup memory: THREADS floats. Reference: norm-reference.ts, then the rotation of rope.wgsl.

override THREADS: u32 = 256u;
override LANES: u32 = 4u;
override HAS_NORM: bool = true;
override HAS_WEIGHT: bool = true;
override HAS_VALUES: bool = false;

struct Params {
  rows: u32,
  heads: u32,
  D: u32,
  rotary_dim: u32,
  rows_per_token: u32,
  stride: u32,
  x_offset: u32,
  weight_offset: u32,
  positions_offset: u32,
  out_offset: u32,
  rstd_offset: u32,
  v_offset: u32,
  eps: f32,
  unused_0: u32,
  unused_1: u32,
  unused_2: u32,
  frequencies: array<vec4<f32>, 64>,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> positions: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(5) var<storage, read_write> v: array<vec4<u32>>;
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> part: array<f32, THREADS>;

// Four angles' cosines and sines.
struct Turns {
  cosine: vec4<f32>,
  sine: vec4<f32>,
}

fn turns_of(angle: vec4<f32>) -> Turns {
  let turns = round(angle * 0.6366197723675814);
  let r = ((angle - turns * 1.5703125) - turns * 4.837512969970703e-4) - turns * 7.549789954891882e-8;
  let s = r * r;
  let sine = r + r * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4));
  let cosine = 1.0 - 0.5 * s + s * s * (4.166664568298827e-2 + s * (-1.388731625493765e-3 + s * 2.443315711809948e-5));
  let quarter = vec4<u32>(vec4<i32>(turns));
  let is_odd = (quarter & vec4(1u)) != vec4(0u);
  let first = select(cosine, sine, is_odd);
  let second = select(sine, cosine, is_odd);
  return Turns(
    select(first, -first, ((quarter + 1u) & vec4(2u)) != vec4(0u)),
    select(second, -second, (quarter & vec4(2u)) != vec4(0u)),
  );
}

fn low_of(element: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(element.x), unpack2x16float(element.y));
}

fn high_of(element: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(element.z), unpack2x16float(element.w));
}

fn element_of(low: vec4<f32>, high: vec4<f32>) -> vec4<u32> {
  return vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let index = (group.y * groups.x + group.x) * (THREADS / LANES) + thread / LANES;
  let per_head = params.D / 16u; // lanes of a head, and elements of its left half
  let lanes = params.heads * per_head;
  let is_active = index < params.rows && lane < lanes;
  let row = min(index, params.rows - 1u);
  let own = min(lane, lanes - 1u);
  let token = row / params.rows_per_token;
  let left = own / per_head * (2u * per_head) + own % per_head;
  let right = left + per_head;
  let width = 2u * lanes; // elements of a row
  let from_row = params.x_offset + token * params.stride + row % params.rows_per_token * width;
  let x_left = x[from_row + left];
  let x_right = x[from_row + right];
  var v_left: vec4<u32>;
  var v_right: vec4<u32>;
  if (HAS_VALUES) {
    v_left = x[from_row + params.rows_per_token * width + left];
    v_right = x[from_row + params.rows_per_token * width + right];
  }
  let position = f32(positions[params.positions_offset + token]);
  var a_low = low_of(x_left);
  var a_high = high_of(x_left);
  var b_low = low_of(x_right);
  var b_high = high_of(x_right);
  if (HAS_WEIGHT) {
    let w_left = weight[params.weight_offset + left];
    let w_right = weight[params.weight_offset + right];
    a_low *= low_of(w_left);
    a_high *= high_of(w_left);
    b_low *= low_of(w_right);
    b_high *= high_of(w_right);
  }
  if (HAS_NORM) {
    let plain = array(low_of(x_left), high_of(x_left), low_of(x_right), high_of(x_right));
    let squares = (dot(plain[0], plain[0]) + dot(plain[1], plain[1])) + (dot(plain[2], plain[2]) + dot(plain[3], plain[3]));
    part[thread] = select(0.0, squares, lane < lanes);
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half) {
        part[thread] += part[thread + half];
      }
    }
    workgroupBarrier();
    let scale = 1.0 / sqrt(part[thread - lane] / f32(params.heads * params.D) + params.eps);
    if (is_active && lane == 0u) {
      rstd[params.rstd_offset + row] = scale;
    }
    a_low *= scale;
    a_high *= scale;
    b_low *= scale;
    b_high *= scale;
  }
  if (!is_active) {
    return;
  }
  let pairs = own % per_head * 2u;
  let low = turns_of(position * params.frequencies[pairs]);
  let high = turns_of(position * params.frequencies[pairs + 1u]);
  let to_row = row * width;
  out[params.out_offset + to_row + left] = element_of(a_low * low.cosine - b_low * low.sine, a_high * high.cosine - b_high * high.sine);
  out[params.out_offset + to_row + right] = element_of(a_low * low.sine + b_low * low.cosine, a_high * high.sine + b_high * high.cosine);
  if (HAS_VALUES) {
    v[params.v_offset + to_row + left] = v_left;
    v[params.v_offset + to_row + right] = v_right;
  }
}
