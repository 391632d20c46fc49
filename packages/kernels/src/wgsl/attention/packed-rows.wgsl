// Loads of 8 halves: keys and values at their position, queries and output gradients by packed row r = (i, g), i = r / G.
// Expects of the importer: D, Dv, HIGHEST and LOG2_E (load_stats), the bindings that are loaded from, `params`.

// 8 halves of a key at its position, zero beyond the source.
fn load_key(b: u32, kv_head: u32, position: i32, column: u32) -> vec4<u32> {
  if (position >= i32(params.positions) || column >= D / 8u) {
    return vec4<u32>();
  }
  return k[(params.k_offset + b * params.k_batch_stride) / 8u + (u32(position) * params.Hkv + kv_head) * (D / 8u) + column];
}

fn load_value(b: u32, kv_head: u32, position: i32, column: u32) -> vec4<u32> {
  if (position >= i32(params.positions) || column >= Dv / 8u) {
    return vec4<u32>();
  }
  return v[(params.v_offset + b * params.v_batch_stride) / 8u + (u32(position) * params.Hkv + kv_head) * (Dv / 8u) + column];
}

// 8 halves of a packed row's query, zero beyond the last row.
fn load_query(b: u32, kv_head: u32, row: u32, column: u32) -> vec4<u32> {
  let G = params.H / params.Hkv;
  if (row >= params.T * G || column >= D / 8u) {
    return vec4<u32>();
  }
  return q[((b * params.T + row / G) * params.H + kv_head * G + row % G) * (D / 8u) + column];
}

fn load_d_out(b: u32, kv_head: u32, row: u32, column: u32) -> vec4<u32> {
  let G = params.H / params.Hkv;
  if (row >= params.T * G || column >= Dv / 8u) {
    return vec4<u32>();
  }
  return d_out[((b * params.T + row / G) * params.H + kv_head * G + row % G) * (Dv / 8u) + column];
}

fn load_stats(b: u32, kv_head: u32, row: u32) -> vec2<f32> {
  let G = params.H / params.Hkv;
  if (row >= params.T * G) {
    return vec2<f32>(HIGHEST, 0.0); // rows beyond the last weigh 0
  }
  return stats[(b * params.H + kv_head * G + row % G) * params.T + row / G] * vec2<f32>(LOG2_E, 1.0);
}
