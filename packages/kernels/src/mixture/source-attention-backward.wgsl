// Gradients of attention of a query over sources, two sources a pass. With p_j = exp(s_j - lse), ds_j = p_j (dOut . x_j - delta), r_j = 1 / rms(x_j):
// dx_j (+)= p_j dOut + ds_j r_j (q - x_j r_j^2 (q . x_j) / N); partial[workgroup] (+)= sum of ds_j r_j x_j over its rows, the query's gradient.
// One workgroup = `chunk` times THREADS / ROW_LANES rows; ROW_LANES threads share a row, SLOTS elements to each: N <= SLOTS * ROW_LANES.
// x_j, dx_j, d_out: [tokens, N]; partial: [workgroups, N] f32.
// Workgroup memory: THREADS * SOURCES * 16 bytes. Reference: mixture-reference.ts.

// @interface
//   const SOURCES: u32 = 2u
//   const SLOTS: u32 = 2u
//   override IS_FIRST: bool = true         Parts of the query's gradient are there from sources before these.
//   read x0: array<Element>
//   read x1: array<Element>
//   read query: array<Element>             [N]
//   read stats: array<f32>                 [2, tokens], lse and delta = sum of dOut out
//   read d_out: array<Element>
//   read_write dx0: array<Element>
//   read_write dx1: array<Element>
//   read_write partial: array<f32>
//   uniform params: Params
//     tokens: u32, N: u32, eps: f32, chunk: u32,
//     query_offset: u32, stats_offset: u32, d_out_offset: u32, half: u32,  half: half of the threads that share a sum: unknown to compilers, which would write out the tree with its barriers
//     sources: array<vec4<u32>, SOURCES>,  start of x, start of dx, whether dx is added to

// @import { Element, Value } from '../wgsl/element.wgsl'
// @import { LANES, SPREAD } from '../wgsl/row.wgsl'
// @import { THREADS, ROW_LANES } from '../wgsl/mixture/lines.wgsl'

// Sums of x^2, q x and dOut x of each source; at the end the query's gradient.
var<workgroup> part: array<array<vec4<f32>, SOURCES>, THREADS>;

fn read_source(which: u32, at: u32) -> Value {
  if (which == 0u) {
    return Value(x0[at]);
  }
  return Value(x1[at]);
}

fn read_gradient(which: u32, at: u32) -> Value {
  if (which == 0u) {
    return Value(dx0[at]);
  }
  return Value(dx1[at]);
}

fn store_gradient(which: u32, at: u32, value: Value) {
  if (which == 0u) {
    dx0[at] = Element(value);
  } else {
    dx1[at] = Element(value);
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lines = THREADS / ROW_LANES;
  let index = group.y * groups.x + group.x;
  let lane = thread % ROW_LANES;
  let line = thread / ROW_LANES;
  let count = f32(params.N * LANES);
  var d_query: array<Value, SLOTS>;
  for (var i = 0u; i < params.chunk; i++) {
    let token = (index * params.chunk + i) * lines + line;
    let is_active = token < params.tokens;
    let row = min(token, params.tokens - 1u) * params.N;
    var sums: array<vec4<f32>, SOURCES>;
    for (var n = lane; n < params.N; n += ROW_LANES) {
      let q = vec4<f32>(Value(query[params.query_offset + n])) * SPREAD;
      let g = vec4<f32>(Value(d_out[params.d_out_offset + row + n])) * SPREAD;
      for (var s = 0u; s < SOURCES; s++) { // @unroll
        let x = vec4<f32>(read_source(s, params.sources[s].x + row + n));
        sums[s] += vec4(dot(x * SPREAD, x), dot(q, x), dot(g, x), 0.0);
      }
    }
    workgroupBarrier(); // every thread has read the last row's sums
    for (var s = 0u; s < SOURCES; s++) { // @unroll
      part[thread][s] = sums[s];
    }
    for (var half = params.half; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (lane < half) {
        for (var s = 0u; s < SOURCES; s++) { // @unroll
          part[thread][s] += part[thread + half][s];
        }
      }
    }
    workgroupBarrier();
    if (is_active) {
      let lse = stats[params.stats_offset + token];
      let delta = stats[params.stats_offset + params.tokens + token];
      for (var s = 0u; s < SOURCES; s++) { // @unroll
        let found = part[thread - lane][s];
        let scale = 1.0 / sqrt(found.x / count + params.eps);
        let weight = exp(found.y * scale - lse);
        let d_score = weight * (found.z - delta) * scale;
        let back = d_score * scale * scale * found.y / count;
        for (var slot = 0u; slot < SLOTS; slot++) { // @unroll
          let n = slot * ROW_LANES + lane;
          if (n < params.N) {
            let x = read_source(s, params.sources[s].x + row + n);
            d_query[slot] += d_score * x;
            let at = params.sources[s].y + row + n;
            var own = weight * Value(d_out[params.d_out_offset + row + n]) + d_score * Value(query[params.query_offset + n]) - back * x;
            if (params.sources[s].z == 1u) {
              own += read_gradient(s, at);
            }
            store_gradient(s, at, own);
          }
        }
      }
    }
  }
  for (var slot = 0u; slot < SLOTS; slot++) { // @unroll
    workgroupBarrier();
    part[thread][0] = vec4<f32>(d_query[slot]);
    workgroupBarrier();
    let n = slot * ROW_LANES + lane;
    if (line == 0u && n < params.N) {
      var sum = part[thread][0];
      for (var other = 1u; other < lines; other++) {
        sum += part[thread + other * ROW_LANES][0];
      }
      let at = (index * params.N + n) * LANES;
      for (var c = 0u; c < LANES; c++) {
        var total = sum[c];
        if (!IS_FIRST) {
          total += partial[at + c];
        }
        partial[at + c] = total;
      }
    }
  }
}
