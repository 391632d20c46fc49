// Attention of a query over sources: s_j[t] = q . rmsNorm(x_j[t]), out[t] = sum over j of softmax_j(s)[t] x_j[t], lse[t] = log sum exp s.
// Up to four sources a pass, x_j read once from memory; the passes of more carry out and lse on.
// One workgroup = THREADS / ROW_LANES rows; ROW_LANES threads share a row.
// x_j, out: [tokens, N]; on the vector path an element is four numbers and N counts elements.
// Workgroup memory: THREADS * SOURCES * 8 bytes and 4 bytes a row. Reference: mixture-reference.ts.

// @interface, bindings from 4
//   const SOURCES: u32 = 4u
//   override IS_FIRST: bool = true         The first pass finds nothing to carry on.
//   read query: array<Element>             [N]
//   read_write out: array<Element>
//   read_write lse: array<f32>             [tokens]
//   uniform params: Params
//     tokens: u32, N: u32, eps: f32, query_offset: u32,
//     out_offset: u32, lse_offset: u32, half: u32, unused: u32,  half: half of the threads that share a sum: unknown to compilers, which would write out the tree with its barriers
//     sources: array<vec4<u32>, SOURCES>,  start

// @import { Element, Value } from '../wgsl/element.wgsl'
// @import { read_row } from '../wgsl/mixture/rows.wgsl'
// @import { LANES, SPREAD } from '../wgsl/row.wgsl'
// @import { THREADS, ROW_LANES } from '../wgsl/mixture/lines.wgsl'

// Sums of x^2 and q x of each source.
var<workgroup> part: array<array<vec2<f32>, SOURCES>, THREADS>;
var<workgroup> before: array<f32, THREADS / ROW_LANES>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % ROW_LANES;
  let line = thread / ROW_LANES;
  let token = (group.y * groups.x + group.x) * (THREADS / ROW_LANES) + line;
  let is_active = token < params.tokens;
  let row = min(token, params.tokens - 1u) * params.N;
  if (lane == 0u && !IS_FIRST && is_active) {
    before[line] = lse[params.lse_offset + token];
  }
  var sums: array<vec2<f32>, SOURCES>;
  for (var n = lane; n < params.N; n += ROW_LANES) {
    let q = vec4<f32>(Value(query[params.query_offset + n])) * SPREAD;
    for (var s = 0u; s < SOURCES; s++) { // @unroll
      let x = vec4<f32>(read_row(s, params.sources[s].x + row + n));
      sums[s] += vec2(dot(x * SPREAD, x), dot(q, x));
    }
  }
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
  if (!is_active) {
    return;
  }
  let count = f32(params.N * LANES);
  var scores: array<f32, SOURCES>;
  var largest = -3.4028234e38;
  for (var s = 0u; s < SOURCES; s++) { // @unroll
    let found = part[thread - lane][s];
    scores[s] = found.y / sqrt(found.x / count + params.eps);
    largest = max(largest, scores[s]);
  }
  var carried = 0.0;
  if (!IS_FIRST) {
    largest = max(largest, before[line]);
    carried = exp(before[line] - largest);
  }
  var total = carried;
  for (var s = 0u; s < SOURCES; s++) { // @unroll
    scores[s] = exp(scores[s] - largest);
    total += scores[s];
  }
  if (lane == 0u) {
    lse[params.lse_offset + token] = largest + log(total);
  }
  for (var n = lane; n < params.N; n += ROW_LANES) {
    var sum = Value();
    for (var s = 0u; s < SOURCES; s++) { // @unroll
      sum += scores[s] * read_row(s, params.sources[s].x + row + n);
    }
    let at = params.out_offset + row + n;
    if (!IS_FIRST) {
      sum += carried * Value(out[at]);
    }
    out[at] = Element(sum / total);
  }
}
