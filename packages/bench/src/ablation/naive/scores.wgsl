// Step 1 of the ablation: the scores of one head for every query and every concatenated key, hidden ones included, in memory:
//   scores[i,n] = scale * q_i . k_n where query i sees key n, else -3e38; with WEIGHTS: exp(scores[i,n] - lse_i), else 0.
// A query sees the sequence up to itself and the slots of its own position.
//
// One workgroup = 64 threads, one element each. q [T,H,D], keys [Hkv, T + T*S, D], stats f32 [H,T] of (lse, delta), scores f32 [T, T + T*S].
// Reference: attention-sampler.ts.

// @interface
//   alias Element = f32
//   override D: u32 = 64u
//   override WEIGHTS: bool = false
//   read q: array<Element>
//   read keys: array<Element>
//   read stats: array<vec2<f32>>
//   read_write scores: array<f32>
//   uniform params: Params

// @import { Params } from '../wgsl/ablation.wgsl'

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  let N = params.T + params.T * params.S;
  if (index >= params.T * N) {
    return;
  }
  let i = index / N;
  let n = index % N;
  let kv_head = params.head / (params.H / params.Hkv);
  let query = (i * params.H + params.head) * D;
  let key = (kv_head * N + n) * D;
  var score = 0.0;
  for (var d = 0u; d < D; d++) {
    score += f32(q[query + d]) * f32(keys[key + d]);
  }
  var sees = n <= i;
  if (n >= params.T) {
    sees = (n - params.T) / params.S == i;
  }
  if (WEIGHTS) {
    scores[index] = select(0.0, exp(score * params.scale - stats[params.head * params.T + i].x), sees);
  } else {
    scores[index] = select(-3.0e38, score * params.scale, sees);
  }
}
