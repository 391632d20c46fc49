// The register tile of the attention kernels without subgroup matrices: 8 x 8 threads, 4 x 4 scores each, 32 packed rows by 32 keys.
// Expects of the importer: D, Dv, the binding params.

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
