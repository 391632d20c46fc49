// gradient as blocks of 256 values: words = a scale (f32) and then the codes, two of f16 or four of int8 in a word. With int8 the
// gradient becomes what its codes leave out (0 where a value was not finite).
// One workgroup = one block; a lane takes four values. The last block is filled up with zeros.
// gradient: any length; words: 129 (f16) or 65 (int8) a block. Workgroup memory: 4 B.
// f16: the scale is the power of two that brings the largest magnitude to 2^14 up to 2^15. int8: largest / 127. A block with a
// value that is not finite has the scale NaN. Reference: encodeBlocks of block-codec.ts.

// @interface
//   override CODE_BITS: u32 = 16u
//   read_write gradient: array<f32>
//   read_write words: array<u32>

var<workgroup> largest: atomic<u32>;

fn packed_bytes(codes: vec4<f32>) -> u32 {
  let bytes = bitcast<vec4<u32>>(vec4<i32>(codes)) & vec4<u32>(255u);
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let block = group.y * groups.x + group.x;
  let size = arrayLength(&gradient);
  let first = block * 256u + lane * 4u;
  var value = vec4<f32>();
  for (var k = 0u; k < 4u; k++) {
    if (first + k < size) {
      value[k] = gradient[first + k];
    }
  }
  let magnitudes = bitcast<vec4<u32>>(value) & vec4<u32>(0x7fffffffu);
  atomicMax(&largest, max(max(magnitudes.x, magnitudes.y), max(magnitudes.z, magnitudes.w)));
  workgroupBarrier();
  if (block * 256u >= size) {
    return;
  }
  let bits = atomicLoad(&largest);
  let exponent = bits >> 23u;
  let is_coded = exponent >= 15u && exponent < 255u;
  var scale_bits = select(0u, 0x7fc00000u, exponent == 255u);
  var inverse = 0f;
  if (is_coded) {
    if (CODE_BITS == 16u) {
      scale_bits = (exponent - 14u) << 23u;
      inverse = bitcast<f32>((268u - exponent) << 23u);
    } else {
      scale_bits = bitcast<u32>(bitcast<f32>(bits) / 127f);
      inverse = 127f / bitcast<f32>(bits);
    }
  }
  let base = block * (1u + 8u * CODE_BITS);
  if (lane == 0u) {
    words[base] = scale_bits;
  }
  let scaled = select(vec4<f32>(), value * inverse, vec4<bool>(is_coded));
  if (CODE_BITS == 16u) {
    words[base + 1u + 2u * lane] = pack2x16float(scaled.xy);
    words[base + 2u + 2u * lane] = pack2x16float(scaled.zw);
    return;
  }
  let codes = clamp(round(scaled), vec4<f32>(-127f), vec4<f32>(127f));
  words[base + 1u + lane] = packed_bytes(codes);
  var left = vec4<f32>();
  if (is_coded) {
    left = value - codes * bitcast<f32>(scale_bits);
  } else if (exponent < 15u) {
    left = value;
  }
  for (var k = 0u; k < 4u; k++) {
    if (first + k < size) {
      gradient[first + k] = left[k];
    }
  }
}
