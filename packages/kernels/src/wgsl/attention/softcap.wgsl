// The cap of attention's logits: a scaled score s enters the softmax as c tanh(s / c), and its gradient is 1 - tanh(s / c)^2 of the logit's.
// Expects nothing of the importer. `unit` is what a score is counted in: 1, or LOG2_E for scores that are exponents of 2.

// @interface
//   override SOFTCAP: f32 = 0.0  c; 0: logits are the scaled scores

alias Value = vec4<f32>;

// @import { tanh_of } from '../activation.wgsl'

// Four scaled scores as logits.
fn capped_four(score: Value, unit: f32) -> Value {
  if (SOFTCAP == 0.0) {
    return score;
  }
  let limit = SOFTCAP * unit;
  return limit * tanh_of(score / limit);
}

fn capped(score: f32, unit: f32) -> f32 {
  if (SOFTCAP == 0.0) {
    return score;
  }
  return capped_four(Value(score), unit).x;
}

// Slopes of four logits as functions of their scaled scores.
fn cap_slope_four(logit: Value, unit: f32) -> Value {
  if (SOFTCAP == 0.0) {
    return Value(1.0);
  }
  let t = logit / (SOFTCAP * unit);
  return 1.0 - t * t;
}

fn cap_slope(logit: f32, unit: f32) -> f32 {
  if (SOFTCAP == 0.0) {
    return 1.0;
  }
  return cap_slope_four(Value(logit), unit).x;
}
