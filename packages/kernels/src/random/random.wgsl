// Philox 4x32-10 streams: out[i] = element `offset + i` of the stream of `seed`, uniform in [0, 1) or standard normal;
// or dropout: out[i] = x[i] * (uniform >= p) / (1 - p). Word `i % 4` of block `i / 4`, so any part of a stream is computed alone.
// One workgroup = 256 blocks of four elements.
// IN_PLACE: x is out itself (bound to something unread). Workgroup memory: none. Reference: philox-reference.ts.

// @interface
//   alias Element = f32
//   override KIND: u32 = 0u         0 uniform, 1 normal, 2 dropout.
//   override IN_PLACE: bool = false
//   read x: array<Element>          [size]
//   read_write out: array<Element>  [size]
//   uniform params: Params
//     size: u32,
//     out_offset: u32,
//     x_offset: u32,
//     skip: u32,                    Elements of the first block that lie before the stream's offset.
//     block_low: u32,
//     block_high: u32,
//     seed_low: u32,
//     seed_high: u32,
//     p: f32,
//     scale: f32,
//     unused_0: u32,
//     unused_1: u32,

fn multiply_high(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}

fn philox(low: u32, high: u32) -> vec4<u32> {
  var c = vec4<u32>(low, high, 0u, 0u);
  var key = vec2<u32>(params.seed_low, params.seed_high);
  for (var i = 0u; i < 10u; i++) {
    c = vec4<u32>(
      multiply_high(0xcd9e8d57u, c.z) ^ c.y ^ key.x,
      0xcd9e8d57u * c.z,
      multiply_high(0xd2511f53u, c.x) ^ c.w ^ key.y,
      0xd2511f53u * c.x,
    );
    key += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// -log(u) of u = (2k + 1) / 2^25, k of 24 bits, without ever rounding u: near 1 the logarithm is all in the last bits.
fn negative_log(k: u32) -> f32 {
  let odd = 2u * k + 1u;
  let halvings = countLeadingZeros(odd) - 7u;
  // u = m / 2^halvings with m in [0.5, 1); 1 - m is exact.
  let rest = f32(33554432u - (odd << halvings)) * 2.98023223876953125e-8;
  let s = rest / (2.0 - rest);
  let q = s * s;
  let series = 1.0 + q * (0.3333333333 + q * (0.2 + q * (0.1428571429 + q * (0.1111111111 + q * (0.0909090909 + q * 0.0769230769)))));
  return f32(halvings) * 0.6931471805599453 + 2.0 * s * series;
}

// (cos, sin) of 2 pi u: the quadrant comes off exactly, then the polynomials of Cephes.
fn rotation_by(u: f32) -> vec2<f32> {
  let quadrant = round(u * 4.0);
  let r = (u * 4.0 - quadrant) * 1.5707963267948966;
  let s = r * r;
  let sine = r + r * s * (-1.6666654611e-1 + s * (8.3321608736e-3 - s * 1.9515295891e-4));
  let cosine = 1.0 - 0.5 * s + s * s * (4.166664568298827e-2 + s * (-1.388731625493765e-3 + s * 2.443315711809948e-5));
  switch u32(quadrant) & 3u {
    case 0u: { return vec2(cosine, sine); }
    case 1u: { return vec2(-sine, cosine); }
    case 2u: { return vec2(-cosine, -sine); }
    default: { return vec2(sine, -cosine); }
  }
}

// Box-Muller of each pair of words: radius sqrt(-2 log(u1 + 2^-25)), angle 2 pi u2.
fn normal(words: vec4<u32>) -> vec4<f32> {
  let first = sqrt(2.0 * negative_log(words.x >> 8u)) * rotation_by(f32(words.y >> 8u) * 5.9604644775390625e-8);
  let second = sqrt(2.0 * negative_log(words.z >> 8u)) * rotation_by(f32(words.w >> 8u) * 5.9604644775390625e-8);
  return vec4(first, second);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = (group.y * groups.x + group.x) * 256u + lane;
  if (item * 4u >= params.size + params.skip) {
    return;
  }
  let low = params.block_low + item;
  let high = params.block_high + select(0u, 1u, low < item);
  let words = philox(low, high);
  var values = vec4<f32>(words >> vec4(8u)) * 5.9604644775390625e-8;
  if (KIND == 1u) {
    values = normal(words);
  }
  for (var i = 0u; i < 4u; i++) {
    let at = item * 4u + i - params.skip;
    if (at >= params.size) {
      continue;
    }
    var value = values[i];
    if (KIND == 2u) {
      var input: f32;
      if (IN_PLACE) {
        input = f32(out[params.out_offset + at]);
      } else {
        input = f32(x[params.x_offset + at]);
      }
      value = select(0.0, input * params.scale, value >= params.p);
    }
    out[params.out_offset + at] = Element(value);
  }
}
