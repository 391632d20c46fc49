// Rotary embedding: pairs of the first `rotary_dim` components are turned by position * frequency; the rest is copied.
// One workgroup = 256 pairs or copied components. x, out: [tokens, H, D]; positions: [tokens] i32.
// Frequencies theta^(-2i/rotary_dim), negative to turn back, come from the host, for exp2 and log2 of a device are not exact enough.
// Workgroup memory: none. Reference: rope-reference.ts.

alias Element = f32; // @specialize

override IS_INTERLEAVED: bool = false;

struct Params {
  tokens: u32,
  H: u32,
  D: u32,
  rotary_dim: u32,
  x_offset: u32,
  positions_offset: u32,
  out_offset: u32,
  unused: u32,
  frequencies: array<vec4<f32>, 64>,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> positions: array<i32>;
@group(0) @binding(2) var<storage, read_write> out: array<Element>;
@group(0) @binding(3) var<uniform> params: Params;

// (cos, sin) to float precision for any angle below about 1e5: three-part reduction, then the polynomials of Cephes.
fn turn(angle: f32) -> vec2<f32> {
  let turns = round(angle * 0.6366197723675814);
  let r = ((angle - turns * 1.5703125) - turns * 4.837512969970703e-4) - turns * 7.549789954891882e-8;
  let s = r * r;
  let sine = r + r * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4));
  let cosine = 1.0 - 0.5 * s + s * s * (4.166664568298827e-2 + s * (-1.388731625493765e-3 + s * 2.443315711809948e-5));
  switch u32(i32(turns)) & 3u {
    case 0u: { return vec2(cosine, sine); }
    case 1u: { return vec2(-sine, cosine); }
    case 2u: { return vec2(-cosine, -sine); }
    default: { return vec2(sine, -cosine); }
  }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let pairs = params.rotary_dim / 2u;
  let per_head = params.D - pairs;
  let item = (group.y * groups.x + group.x) * 256u + lane;
  let head = item / per_head;
  let i = item % per_head;
  let token = head / params.H;
  if (token >= params.tokens) {
    return;
  }
  let from_head = params.x_offset + head * params.D;
  let to_head = params.out_offset + head * params.D;
  if (i >= pairs) {
    out[to_head + pairs + i] = x[from_head + pairs + i];
    return;
  }
  var left = i;
  var right = i + pairs;
  if (IS_INTERLEAVED) {
    left = 2u * i;
    right = left + 1u;
  }
  let angle = f32(positions[params.positions_offset + token]) * params.frequencies[i / 4u][i % 4u];
  let turned = turn(angle);
  let a = f32(x[from_head + left]);
  let b = f32(x[from_head + right]);
  out[to_head + left] = Element(a * turned.x - b * turned.y);
  out[to_head + right] = Element(a * turned.y + b * turned.x);
}
