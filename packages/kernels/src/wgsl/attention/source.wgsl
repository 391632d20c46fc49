// One source of keys as the attention kernels see it: sizes, strides, and which positions a query sees. Written by source-params.ts.
// `is_first`: this is the first source of its call, so out, lse and dq are overwritten; later sources continue from them.
// Where depth gradients are deferred, no dk is made, and `dk_offset` is the index of this source's first pair (p, dS).
// Expects of the importer: the bindings `params` and, for visible_range, `doc_range`.

struct Params {
  B: u32, T: u32, H: u32, Hkv: u32,
  positions: u32, slots: u32, query_offset: i32, causal: u32,
  window: i32, chunk: u32, chunk_phase: u32, has_docs: u32,
  doc_shift: i32, k_slot_stride: u32, k_batch_stride: u32, k_offset: u32,
  v_slot_stride: u32, v_batch_stride: u32, v_offset: u32, is_first: u32,
  scale: f32, negative_infinity: f32, accumulate: u32, dk_batch_stride: u32,
  dk_offset: u32, dv_batch_stride: u32, dv_offset: u32,
}

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

// Queries [x, y) that may see the position; visible_range() decides for each.
fn candidate_queries(position: i32) -> vec2<i32> {
  var first = 0;
  var end = i32(params.T);
  if (params.causal != 0u) {
    first = max(0, position - params.query_offset);
  }
  if (params.window < 0x3fffffff) {
    end = min(end, position - params.query_offset + params.window);
  }
  if (params.chunk > 0u) {
    var chunk_end = position + i32(params.chunk); // where chunks end depends on the query's document
    if (params.has_docs == 0u) {
      chunk_end -= i32((u32(position) + params.chunk_phase) % params.chunk);
    }
    end = min(end, chunk_end - params.query_offset);
  }
  return vec2<i32>(first, max(first, end));
}
