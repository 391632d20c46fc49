import { type AttentionShape, type DepthReference, type VisibleKey, visibleKeys } from './attention-shape.ts';
import type { Round } from './round.ts';

/** Inputs of the attention family: q `[B, T, H, D]`, k `[B, keyCapacity, Hkv, D]`, v `[B, keyCapacity, Hkv, Dv]`. */
export interface AttentionInputs {
  readonly q: Float64Array;
  /** Null, with v, for depth attention alone. */
  readonly k: Float64Array | null;
  readonly v: Float64Array | null;
  readonly depth: DepthReference | null;
}

/** The key array that a visible key points into. */
export function keyArray(inputs: AttentionInputs, key: VisibleKey): Float64Array {
  return key.segment < 0 ? inputs.k! : inputs.depth!.segments[key.segment].k;
}

/** The value array that a visible key points into. */
export function valueArray(inputs: AttentionInputs, key: VisibleKey): Float64Array {
  return key.segment < 0 ? inputs.v! : inputs.depth!.segments[key.segment].v;
}

/** The logit of the rows at the two offsets: `s = scale (q . k)`, or `c tanh(s / c)` under a softcap c. */
export function logitOf(
  q: Float64Array,
  qOffset: number,
  k: Float64Array,
  kOffset: number,
  { D, scale, softcap }: AttentionShape,
  round: Round,
): number {
  let sum = 0;
  for (let d = 0; d < D; d++) sum = round(sum + round(q[qOffset + d] * k[kOffset + d]));
  const score = round(sum * scale);
  return softcap === null ? score : round(softcap * round(Math.tanh(round(score / softcap))));
}

/**
 * One softmax over the visible sequence and depth keys: out `[B, T, H, Dv]`, lse `[B, H, T]` (natural log).
 * A query that sees no key gets out 0 and lse -Infinity. O(T^2) time, O(T) memory.
 * Reference: `moda.md` section 1; arXiv 2603.15619, Alg. 1.
 */
export function attentionReference(
  shape: AttentionShape,
  inputs: AttentionInputs,
  round: Round,
): { out: Float64Array; lse: Float64Array } {
  const { B, T, H, Hkv, D, Dv } = shape;
  const out = new Float64Array(B * T * H * Dv);
  const lse = new Float64Array(B * H * T).fill(-Infinity);
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < T; i++) {
      for (let kv = 0; kv < Hkv; kv++) {
        const keys = visibleKeys(shape, inputs.k !== null, inputs.depth, b, i, kv);
        if (keys.length === 0) continue;
        for (let h = (kv * H) / Hkv; h < ((kv + 1) * H) / Hkv; h++) {
          const row = (b * T + i) * H + h;
          const logits = keys.map((key) =>
            logitOf(inputs.q, row * D, keyArray(inputs, key), key.kOffset, shape, round),
          );
          const target = out.subarray(row * Dv, (row + 1) * Dv);
          lse[(b * H + h) * T + i] = softmaxAverage(logits, keys, inputs, target, round);
        }
      }
    }
  }
  return { out, lse };
}

/** Writes the softmax-weighted mean of the value rows into `target` and returns the log-sum-exp. */
function softmaxAverage(
  logits: readonly number[],
  keys: readonly VisibleKey[],
  inputs: AttentionInputs,
  target: Float64Array,
  round: Round,
): number {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let n = 0; n < keys.length; n++) {
    const weight = round(Math.exp(round(logits[n] - largest)));
    sum = round(sum + weight);
    const v = valueArray(inputs, keys[n]);
    for (let d = 0; d < target.length; d++) {
      target[d] = round(target[d] + round(weight * v[keys[n].vOffset + d]));
    }
  }
  for (let d = 0; d < target.length; d++) target[d] = round(target[d] / sum);
  return round(largest + round(Math.log(sum)));
}
