import type { Round } from './round.ts';

/** What a cross-entropy ignores and adds: rows of `ignoreIndex` cost 0; `zLoss` weighs lse squared. */
export interface CrossEntropyOptions {
  readonly V: number;
  readonly ignoreIndex: number;
  readonly zLoss: number;
}

/**
 * `loss[n] = lse - logits[n, target] + zLoss lse^2` for logits `[N, V]`. A target outside 0..V-1 gives NaN.
 * `lse [N, 2]` keeps the largest logit and the logarithm of the sum of exponentials relative to it: their sum is the log-sum-exp,
 * in which the second would drown beside large logits.
 */
export function crossEntropyReference(
  logits: Float64Array,
  targets: Float64Array,
  options: CrossEntropyOptions,
  round: Round,
): { loss: Float64Array; lse: Float64Array } {
  const { V, ignoreIndex, zLoss } = options;
  const loss = new Float64Array(targets.length);
  const lse = new Float64Array(2 * targets.length);
  for (let n = 0; n < targets.length; n++) {
    const row = logits.subarray(n * V, (n + 1) * V);
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const sum = row.reduce((total, x) => round(total + round(Math.exp(round(x - largest)))), 0);
    const logSum = round(Math.log(sum));
    lse.set([largest, logSum], 2 * n);
    if (targets[n] === ignoreIndex) continue;
    const target = targets[n] >= 0 && targets[n] < V ? row[targets[n]] : NaN;
    const total = round(largest + logSum);
    const penalty = zLoss === 0 ? 0 : round(round(zLoss) * round(total ** 2));
    loss[n] = round(round(logSum - round(target - largest)) + penalty);
  }
  return { loss, lse };
}

/** `dLogits = dLoss (softmax (1 + 2 zLoss lse) - onehot)`; ignored rows are 0. */
export function crossEntropyBackwardReference(
  logits: Float64Array,
  targets: Float64Array,
  lse: Float64Array,
  dLoss: Float64Array,
  options: CrossEntropyOptions,
  round: Round,
): Float64Array {
  const { V, ignoreIndex, zLoss } = options;
  const dLogits = new Float64Array(logits.length);
  for (let n = 0; n < targets.length; n++) {
    if (targets[n] === ignoreIndex) continue;
    const [largest, logSum] = lse.subarray(2 * n);
    const factor = zLoss === 0 ? 1 : round(1 + round(round(2 * zLoss) * round(largest + logSum)));
    for (let v = 0; v < V; v++) {
      const probability = round(Math.exp(round(round(logits[n * V + v] - largest) - logSum)));
      const slope = round(round(probability * factor) - (v === targets[n] ? 1 : 0));
      dLogits[n * V + v] = round(slope * dLoss[n]);
    }
  }
  return dLogits;
}
