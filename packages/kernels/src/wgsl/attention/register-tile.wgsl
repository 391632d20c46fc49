// The register tile of the attention kernels without subgroup matrices: 8 x 8 threads, 4 x 4 scores each, 32 packed rows by 32 keys.
// Expects of the importer: D, Dv, the bindings params and those that are loaded from.

const THREADS = 64u; // 8 x 8, a tile of 4 x 4 scores each

const ROWS = 32u;

const KEYS = 32u;

const DEPTH = 8u; // dimensions of a step of the products over D and Dv

const COLUMNS = 32u; // dimensions of a step of the products over keys or rows

const D_CHUNKS = (D + COLUMNS - 1u) / COLUMNS;

const V_CHUNKS = (Dv + COLUMNS - 1u) / COLUMNS;

const STRIDE = 33u; // of a row of scores

var<workgroup> left_tile: array<vec4<f32>, DEPTH * 8u>;

var<workgroup> right_tile: array<vec4<f32>, DEPTH * 8u>;

var<workgroup> columns_tile: array<vec4<f32>, 32u * 8u>;

// Where a packed row's query starts; rows beyond the last repeat it.
fn query_at(b: u32, kv_head: u32, row: u32) -> u32 {
  let G = params.H / params.Hkv;
  let packed = min(row, params.T * G - 1u);
  return (b * params.T + packed / G) * params.H + kv_head * G + packed % G;
}

// Where a key lies, in heads from the batch row's start; positions beyond the last repeat it.
fn key_at(kv_head: u32, position: i32) -> u32 {
  return u32(min(position, i32(params.positions) - 1)) * params.Hkv + kv_head;
}

// Dimension d of four packed rows, zero beyond D.
fn four_queries(b: u32, kv_head: u32, row: u32, d: u32) -> vec4<f32> {
  if (d >= D) {
    return vec4<f32>();
  }
  return vec4<f32>(f32(q[query_at(b, kv_head, row + 0u) * D + d]), f32(q[query_at(b, kv_head, row + 1u) * D + d]), f32(q[query_at(b, kv_head, row + 2u) * D + d]), f32(q[query_at(b, kv_head, row + 3u) * D + d]));
}

// Dimension d of four packed rows of the output gradient, zero beyond Dv.
fn four_d_outs(b: u32, kv_head: u32, row: u32, d: u32) -> vec4<f32> {
  if (d >= Dv) {
    return vec4<f32>();
  }
  return vec4<f32>(f32(d_out[query_at(b, kv_head, row + 0u) * Dv + d]), f32(d_out[query_at(b, kv_head, row + 1u) * Dv + d]), f32(d_out[query_at(b, kv_head, row + 2u) * Dv + d]), f32(d_out[query_at(b, kv_head, row + 3u) * Dv + d]));
}

// Dimension d of the keys at four positions, zero beyond D.
fn four_keys(k_base: u32, kv_head: u32, position: i32, d: u32) -> vec4<f32> {
  if (d >= D) {
    return vec4<f32>();
  }
  return vec4<f32>(f32(k[k_base + key_at(kv_head, position + 0) * D + d]), f32(k[k_base + key_at(kv_head, position + 1) * D + d]), f32(k[k_base + key_at(kv_head, position + 2) * D + d]), f32(k[k_base + key_at(kv_head, position + 3) * D + d]));
}

// Dimension d of the values at four positions, zero beyond Dv.
fn four_values(v_base: u32, kv_head: u32, position: i32, d: u32) -> vec4<f32> {
  if (d >= Dv) {
    return vec4<f32>();
  }
  return vec4<f32>(f32(v[v_base + key_at(kv_head, position + 0) * Dv + d]), f32(v[v_base + key_at(kv_head, position + 1) * Dv + d]), f32(v[v_base + key_at(kv_head, position + 2) * Dv + d]), f32(v[v_base + key_at(kv_head, position + 3) * Dv + d]));
}

// Adds the products of DEPTH dimensions to 4 x 4 sums.
fn add_products(sums: ptr<function, array<vec4<f32>, 4>>, ty: u32, tx: u32) {
  for (var d = 0u; d < DEPTH; d++) {
    let left = left_tile[d * 8u + ty];
    let right = right_tile[d * 8u + tx];
    (*sums)[0] += left.x * right;
    (*sums)[1] += left.y * right;
    (*sums)[2] += left.z * right;
    (*sums)[3] += left.w * right;
  }
}

// Four dimensions of a packed row, zero beyond D.
fn query_columns(b: u32, kv_head: u32, row: u32, column: u32) -> vec4<f32> {
  let base = query_at(b, kv_head, row) * D + column;
  var element = vec4<f32>();
  for (var c = 0u; c < 4u; c++) {
    if (column + c < D) {
      element[c] = f32(q[base + c]);
    }
  }
  return element;
}

// Four dimensions of a packed row of the output gradient, zero beyond Dv.
fn d_out_columns(b: u32, kv_head: u32, row: u32, column: u32) -> vec4<f32> {
  let base = query_at(b, kv_head, row) * Dv + column;
  var element = vec4<f32>();
  for (var c = 0u; c < 4u; c++) {
    if (column + c < Dv) {
      element[c] = f32(d_out[base + c]);
    }
  }
  return element;
}

// Four dimensions of the key at a position, zero beyond D.
fn key_columns(k_base: u32, kv_head: u32, position: i32, column: u32) -> vec4<f32> {
  let base = (k_base / D + key_at(kv_head, position)) * D + column;
  var element = vec4<f32>();
  for (var c = 0u; c < 4u; c++) {
    if (column + c < D) {
      element[c] = f32(k[base + c]);
    }
  }
  return element;
}

// Four dimensions of the value at a position, zero beyond Dv.
fn value_columns(v_base: u32, kv_head: u32, position: i32, column: u32) -> vec4<f32> {
  let base = (v_base / Dv + key_at(kv_head, position)) * Dv + column;
  var element = vec4<f32>();
  for (var c = 0u; c < 4u; c++) {
    if (column + c < Dv) {
      element[c] = f32(v[base + c]);
    }
  }
  return element;
}
