// The register tile of the attention kernels without subgroup matrices: 8 x 8 threads, each with 4 items of the left side (packed rows, or keys
// in tile-dkv.wgsl) by 4 items of the right side. Thread (ty, tx) has left items 4 ty to 4 ty + 3, and right items tx, tx + 8, tx + 16, tx + 24.
// Expects of the importer: D, Dv, Element, Loaded, LOADED, the bindings params and those that are loaded from.

const THREADS = 64u;

const TILE = 32u; // items of a side

const QUADS = 8u; // of items of a side

const DEPTH = 16u; // dimensions of a step of the products over D and Dv

const STRIDE = 9u; // quads from a dimension to the next in staging, and from a right item to the next in scores: odd, against bank conflicts

const RIGHT_AT = DEPTH * STRIDE; // where the right side starts in staging

// The products over keys (rows in tile-dkv.wgsl) take 32 or 64 columns at a time, of 32 or 16 items: a thread has 4 columns of each 32.
const D_PAIR = select(2u, 1u, D <= 32u);

const D_CHUNKS = (D + D_PAIR * 32u - 1u) / (D_PAIR * 32u);

const V_PAIR = select(2u, 1u, Dv <= 32u);

const V_CHUNKS = (Dv + V_PAIR * 32u - 1u) / (V_PAIR * 32u);

alias Four = vec4<Element>;

var<workgroup> staging: array<vec4<f32>, 2u * DEPTH * STRIDE>;

var<workgroup> scores: array<vec4<f32>, TILE * STRIDE>; // four left items each; then weights

// Where a packed row's query starts, in heads; rows beyond the last repeat it.
fn query_at(b: u32, kv_head: u32, row: u32) -> u32 {
  let G = params.H / params.Hkv;
  let packed = min(row, params.T * G - 1u);
  return (b * params.T + packed / G) * params.H + kv_head * G + packed % G;
}

fn four_queries_at(b: u32, kv_head: u32, row: vec4<u32>) -> vec4<u32> {
  return vec4<u32>(query_at(b, kv_head, row.x), query_at(b, kv_head, row.y), query_at(b, kv_head, row.z), query_at(b, kv_head, row.w));
}

// Where a key lies, in heads from the batch row's start; positions beyond the last repeat it.
fn key_at(kv_head: u32, position: i32) -> u32 {
  return u32(min(position, i32(params.positions) - 1)) * params.Hkv + kv_head;
}

fn four_keys_at(kv_head: u32, position: vec4<i32>) -> vec4<u32> {
  return vec4<u32>(min(position, vec4<i32>(i32(params.positions) - 1))) * params.Hkv + kv_head;
}

// Dimensions d to d + 3 of the query that starts at an element, zero beyond D.
fn query_dims(at: u32, d: u32) -> vec4<f32> {
  var dims = vec4<f32>();
  if (d < D) {
    if (LOADED == 4u) {
      return vec4<f32>(Four(q[(at + d) / LOADED]));
    }
    for (var c = 0u; c < 4u; c++) {
      if (d + c < D) {
        dims[c] = vec4<f32>(Four(q[at + d + c])).x;
      }
    }
  }
  return dims;
}

// Dimensions d to d + 3 of the output gradient that starts at an element, zero beyond Dv.
fn d_out_dims(at: u32, d: u32) -> vec4<f32> {
  var dims = vec4<f32>();
  if (d < Dv) {
    if (LOADED == 4u) {
      return vec4<f32>(Four(d_out[(at + d) / LOADED]));
    }
    for (var c = 0u; c < 4u; c++) {
      if (d + c < Dv) {
        dims[c] = vec4<f32>(Four(d_out[at + d + c])).x;
      }
    }
  }
  return dims;
}

// Dimensions d to d + 3 of the key that starts at an element, zero beyond D.
fn key_dims(at: u32, d: u32) -> vec4<f32> {
  var dims = vec4<f32>();
  if (d < D) {
    if (LOADED == 4u) {
      return vec4<f32>(Four(k[(at + d) / LOADED]));
    }
    for (var c = 0u; c < 4u; c++) {
      if (d + c < D) {
        dims[c] = vec4<f32>(Four(k[at + d + c])).x;
      }
    }
  }
  return dims;
}

// Dimensions d to d + 3 of the value that starts at an element, zero beyond Dv.
fn value_dims(at: u32, d: u32) -> vec4<f32> {
  var dims = vec4<f32>();
  if (d < Dv) {
    if (LOADED == 4u) {
      return vec4<f32>(Four(v[(at + d) / LOADED]));
    }
    for (var c = 0u; c < 4u; c++) {
      if (d + c < Dv) {
        dims[c] = vec4<f32>(Four(v[at + d + c])).x;
      }
    }
  }
  return dims;
}

// Puts four dimensions of four left items into staging, dimension by dimension.
fn stage_left(quad: u32, d: u32, items: mat4x4<f32>) {
  let turned = transpose(items);
  for (var c = 0u; c < 4u; c++) { // @unroll
    staging[(d + c) * STRIDE + quad] = turned[c];
  }
}

// The same of four right items: tx, tx + 8, tx + 16, tx + 24.
fn stage_right(tx: u32, d: u32, items: mat4x4<f32>) {
  let turned = transpose(items);
  for (var c = 0u; c < 4u; c++) { // @unroll
    staging[RIGHT_AT + (d + c) * STRIDE + tx] = turned[c];
  }
}

// SwiftShader keeps a private array's values through `= array<...>()` in a loop.
fn clear(sums: ptr<function, array<vec4<f32>, 4>>) {
  for (var c = 0u; c < 4u; c++) { // @unroll
    (*sums)[c] = vec4<f32>();
  }
}

// Adds the products of DEPTH dimensions: sums[c] holds four left items by the right item tx + 8 c.
fn add_products(sums: ptr<function, array<vec4<f32>, 4>>, ty: u32, tx: u32) {
  for (var d = 0u; d < DEPTH; d++) {
    let right = staging[RIGHT_AT + d * STRIDE + tx];
    let left = staging[d * STRIDE + ty];
    for (var c = 0u; c < 4u; c++) { // @unroll
      (*sums)[c] += left * right[c];
    }
  }
}
