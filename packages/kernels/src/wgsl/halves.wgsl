// 8 halves in a vec4<u32>, what kernels on f16 read and write at a time, as two vec4<f32>.

fn low_of(element: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(element.x), unpack2x16float(element.y));
}

fn high_of(element: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(element.z), unpack2x16float(element.w));
}

fn element_of(low: vec4<f32>, high: vec4<f32>) -> vec4<u32> {
  return vec4<u32>(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
}
