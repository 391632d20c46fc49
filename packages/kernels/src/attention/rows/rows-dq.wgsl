// Gradient of single query rows with respect to q, through one source of keys:
//   dq[b,i,h,:] = scale * sum_n p_n (dOut . v_n - delta) k_n,   p_n = exp(scale * q . k_n - lse)
// over the keys n = (position, slot) that the row sees. Adds to `dq` unless `is_first`.
//
// One workgroup = one query row (b, i, h); 64 threads take a key each for p and dS, then a column each for the sum.
// q [B,T,H,D]; k, v: positions x slots by strides; doc_range i32 [B,T,2]; d_out [B,T,H,Dv]; stats f32 [B,H,T] of (lse, delta);
// dq [B,T,H,D]. Workgroup memory: (D + Dv + 64) * 4 bytes. Reference: attention-reference.ts.
alias Element = f32; // @specialize

override D: u32 = 64u;
override Dv: u32 = 64u;

struct Params {
  B: u32, T: u32, H: u32, Hkv: u32,
  positions: u32, slots: u32, query_offset: i32, causal: u32,
  window: i32, chunk: u32, chunk_phase: u32, has_docs: u32,
  doc_shift: i32, k_slot_stride: u32, k_batch_stride: u32, k_offset: u32,
  v_slot_stride: u32, v_batch_stride: u32, v_offset: u32, is_first: u32,
  scale: f32, negative_infinity: f32, accumulate: u32, dk_batch_stride: u32,
  dk_offset: u32, dv_batch_stride: u32, dv_offset: u32,
}

@group(0) @binding(0) var<storage, read> q: array<Element>;
@group(0) @binding(1) var<storage, read> k: array<Element>;
@group(0) @binding(2) var<storage, read> v: array<Element>;
@group(0) @binding(3) var<storage, read> doc_range: array<i32>;
@group(0) @binding(4) var<storage, read> d_out: array<Element>;
@group(0) @binding(5) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> dq: array<Element>;
@group(0) @binding(7) var<uniform> params: Params;

const THREADS = 64u;

var<workgroup> q_row: array<f32, D>;
var<workgroup> d_out_row: array<f32, Dv>;
var<workgroup> d_scores: array<f32, THREADS>;

// Positions [x, y) of the source that query i of batch row b sees.
fn visible_range(b: u32, i: u32) -> vec2<i32> {
  let position = i32(i) + params.query_offset;
  var first = max(0, position - params.window + 1);
  var end = i32(params.positions);
  if (params.causal != 0u) {
    end = min(end, position + 1);
  }
  var origin = -i32(params.chunk_phase);
  if (params.has_docs != 0u) {
    let row = (b * params.T + i) * 2u;
    let start = doc_range[row] - params.doc_shift;
    if (params.chunk > 0u) {
      origin = min(start, position); // chunks count from the document's start; the own position is always visible in depth
    } else {
      first = max(first, start);
      end = min(end, doc_range[row + 1u] - params.doc_shift);
    }
  }
  if (params.chunk > 0u) {
    first = max(first, position - (position - origin) % i32(params.chunk));
  }
  return vec2<i32>(first, max(first, end));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group.y * groups.x + group.x; // (b * T + i) * H + h
  if (row >= params.B * params.T * params.H) {
    return;
  }
  let h = row % params.H;
  let i = (row / params.H) % params.T;
  let b = row / (params.H * params.T);
  let kv_head = h / (params.H / params.Hkv);
  let visible = visible_range(b, i);
  let n_keys = u32(visible.y - visible.x) * params.slots;
  for (var d = thread; d < D; d += THREADS) {
    q_row[d] = f32(q[row * D + d]) * params.scale;
  }
  for (var d = thread; d < Dv; d += THREADS) {
    d_out_row[d] = f32(d_out[row * Dv + d]);
  }
  let lse_delta = stats[(b * params.H + h) * params.T + i];

  var acc: array<f32, 4>; // columns thread + 64 c
  workgroupBarrier();
  for (var block = 0u; block < n_keys; block += THREADS) {
    let n = block + thread;
    if (n < n_keys) {
      let at = u32(visible.x) + n / params.slots;
      let key = params.k_offset + (n % params.slots) * params.k_slot_stride + b * params.k_batch_stride + (at * params.Hkv + kv_head) * D;
      let value = params.v_offset + (n % params.slots) * params.v_slot_stride + b * params.v_batch_stride + (at * params.Hkv + kv_head) * Dv;
      var score = 0.0;
      for (var d = 0u; d < D; d++) {
        score += q_row[d] * f32(k[key + d]);
      }
      var d_weight = 0.0;
      for (var d = 0u; d < Dv; d++) {
        d_weight += d_out_row[d] * f32(v[value + d]);
      }
      d_scores[thread] = exp(score - lse_delta.x) * (d_weight - lse_delta.y);
    }
    workgroupBarrier();
    for (var j = 0u; j < min(THREADS, n_keys - block); j++) {
      let key = block + j;
      let at = u32(visible.x) + key / params.slots;
      let base = params.k_offset + (key % params.slots) * params.k_slot_stride + b * params.k_batch_stride + (at * params.Hkv + kv_head) * D;
      for (var c = 0u; c * THREADS + thread < D; c++) {
        acc[c] += d_scores[j] * f32(k[base + c * THREADS + thread]);
      }
    }
    workgroupBarrier();
  }

  for (var c = 0u; c * THREADS + thread < D; c++) {
    let index = row * D + c * THREADS + thread;
    var total = acc[c] * params.scale;
    if (params.is_first == 0u) {
      total += f32(dq[index]);
    }
    dq[index] = Element(total);
  }
}
