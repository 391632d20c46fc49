// gradient = the values of blocks that encode-blocks.wgsl describes: scale * code.
// One workgroup = one block; a lane makes four values.
// words: 129 (f16) or 65 (int8) a block; gradient: any length. Workgroup memory: none. Reference: addBlocks of block-codec.ts.

// @interface
//   override CODE_BITS: u32 = 16u
//   read words: array<u32>
//   read_write gradient: array<f32>

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let block = group.y * groups.x + group.x;
  let size = arrayLength(&gradient);
  if (block * 256u >= size) {
    return;
  }
  let base = block * (1u + 8u * CODE_BITS);
  var value = vec4<f32>();
  if (CODE_BITS == 16u) {
    value = vec4<f32>(unpack2x16float(words[base + 1u + 2u * lane]), unpack2x16float(words[base + 2u + 2u * lane]));
  } else {
    let word = words[base + 1u + lane];
    value = vec4<f32>((vec4<i32>(bitcast<i32>(word)) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
  }
  value *= bitcast<f32>(words[base]);
  for (var k = 0u; k < 4u; k++) {
    let i = block * 256u + lane * 4u + k;
    if (i < size) {
      gradient[i] = value[k];
    }
  }
}
