// 16 bytes of a depth slot's row in a vec4<u32>: 8 halves, or 4 numbers of 32 bits, whose high part is empty.
// Expects of the importer: BYTES, of a number.

const WIDTH = 16u / BYTES; // numbers of an element

fn low_of(element: vec4<u32>) -> vec4<f32> {
  if (BYTES == 4u) {
    return bitcast<vec4<f32>>(element);
  }
  return vec4<f32>(unpack2x16float(element.x), unpack2x16float(element.y));
}

fn high_of(element: vec4<u32>) -> vec4<f32> {
  if (BYTES == 4u) {
    return vec4<f32>();
  }
  return vec4<f32>(unpack2x16float(element.z), unpack2x16float(element.w));
}

fn element_of(low: vec4<f32>, high: vec4<f32>) -> vec4<u32> {
  if (BYTES == 4u) {
    return bitcast<vec4<u32>>(low);
  }
  return vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
}
