// The most probable token of logits [V] among the first `choices`, and the state of the next step.
// Pass 1 (IS_LAST false): workgroup g leaves (max, index, sum of exp(logit - max), best logit to choose) of its share in parts[g].
// Pass 2 (IS_LAST true, one workgroup): merges the parts; token = index of the first best, log-probability = best - max - log(sum).
//   results[step] = (token, bits of the log-probability); then position + 1, token, step + 1 go to `state`.
// A NaN among the logits is never chosen and makes the log-probability NaN; it goes from sum to sum, for drivers may lose it in max,
// exp and log.
// One workgroup = THREADS threads. Workgroup memory: THREADS * 16 bytes. Reference: decode-reference.ts.

// @interface
//   override IS_LAST: bool = false
//   read logits: array<f32>
//   read_write parts: array<vec4<u32>>
//   read_write state: array<i32>
//   read_write results: array<u32>
//   uniform params: Params
//     V: u32, parts: u32, results: u32, choices: u32,

const THREADS = 256u;
const LOWEST = -3.4e38;

struct Best { maximum: f32, index: u32, sum: f32, chosen: f32 }

var<workgroup> best_of: array<Best, THREADS>;

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn joined(a: Best, b: Best) -> Best {
  let is_a = a.chosen > b.chosen || (a.chosen == b.chosen && a.index <= b.index);
  let maximum = max(a.maximum, b.maximum);
  let sum = a.sum * exp(a.maximum - maximum) + b.sum * exp(b.maximum - maximum);
  return Best(maximum, select(b.index, a.index, is_a), sum, max(a.chosen, b.chosen));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  var own = Best(LOWEST, 0xffffffffu, 0.0, LOWEST);
  if (IS_LAST) {
    for (var i = thread; i < params.parts; i += THREADS) {
      let part = parts[i];
      own = joined(own, Best(bitcast<f32>(part.x), part.y, bitcast<f32>(part.z), bitcast<f32>(part.w)));
    }
  } else {
    for (var i = group.x * THREADS + thread; i < params.V; i += THREADS * params.parts) {
      let read = logits[i];
      let logit = select(read, LOWEST, is_nan(read));
      let can_choose = i < params.choices;
      let sum = select(1.0, read, is_nan(read));
      own = joined(own, Best(logit, select(0xffffffffu, i, can_choose), sum, select(LOWEST, logit, can_choose)));
    }
  }
  best_of[thread] = own;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) {
      best_of[thread] = joined(best_of[thread], best_of[thread + half]);
    }
  }
  if (thread != 0u) {
    return;
  }
  let best = best_of[0];
  if (IS_LAST) {
    let step = u32(state[2]);
    if (step < params.results) {
      results[2u * step] = best.index;
      let log_probability = bitcast<u32>(best.chosen - best.maximum - log(best.sum));
      results[2u * step + 1u] = select(log_probability, 0x7fc00000u, is_nan(best.sum));
    }
    state[0] += 1;
    state[1] = i32(best.index);
    state[2] += 1;
  } else {
    parts[group.x] = vec4(bitcast<u32>(best.maximum), best.index, bitcast<u32>(best.sum), bitcast<u32>(best.chosen));
  }
}
