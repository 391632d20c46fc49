import { type AttentionInputs, keyArray, logitOf, valueArray } from './attention.ts';
import { type AttentionShape, type VisibleKey, visibleKeys } from './attention-shape.ts';
import type { Round } from './round.ts';

/** Saved outputs and incoming gradients of an attention call. */
export interface AttentionBackwardInputs extends AttentionInputs {
  readonly out: Float64Array;
  readonly lse: Float64Array;
  readonly dOut: Float64Array;
  /** Gradient of lse `[B, H, T]`, or null. */
  readonly dLse: Float64Array | null;
}

/** Gradients of an attention call, shaped like its inputs; `dDepth` has one entry a segment. */
export interface AttentionGradients {
  readonly dq: Float64Array;
  readonly dk: Float64Array;
  readonly dv: Float64Array;
  readonly dDepth: readonly { readonly k: Float64Array; readonly v: Float64Array }[];
}

/**
 * Gradients by formula, probabilities recomputed from lse: with `P = exp(logit - lse)` and
 * `delta = rowsum(dOut * out) - dLse`, `dS = P (dOut . v - delta)`, `dq = scale dS k`, `dk = scale dS^T q`,
 * `dv = P^T dOut`; depth keys likewise. Under a softcap c, dS is multiplied by `1 - (logit / c)^2`. Slots beyond S get exactly 0.
 */
export function attentionBackwardReference(
  shape: AttentionShape,
  inputs: AttentionBackwardInputs,
  round: Round,
): AttentionGradients {
  const { B, T, H, Hkv } = shape;
  const gradients: AttentionGradients = {
    dq: new Float64Array(inputs.q.length),
    dk: new Float64Array(inputs.k?.length ?? 0),
    dv: new Float64Array(inputs.v?.length ?? 0),
    dDepth: (inputs.depth?.segments ?? []).map(({ k, v }) => ({
      k: new Float64Array(k.length),
      v: new Float64Array(v.length),
    })),
  };
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < T; i++) {
      for (let kv = 0; kv < Hkv; kv++) {
        const keys = visibleKeys(shape, inputs.k !== null, inputs.depth, b, i, kv);
        if (keys.length === 0) continue;
        for (let h = (kv * H) / Hkv; h < ((kv + 1) * H) / Hkv; h++) {
          addRow(shape, inputs, gradients, keys, (b * T + i) * H + h, (b * H + h) * T + i, round);
        }
      }
    }
  }
  return gradients;
}

/** Adds the contributions of one query row and head. */
function addRow(
  shape: AttentionShape,
  inputs: AttentionBackwardInputs,
  gradients: AttentionGradients,
  keys: readonly VisibleKey[],
  row: number,
  lseRow: number,
  round: Round,
): void {
  const { D, Dv, scale, softcap } = shape;
  const { q, out, dOut, lse, dLse } = inputs;
  let delta = 0;
  for (let d = 0; d < Dv; d++) delta = round(delta + round(dOut[row * Dv + d] * out[row * Dv + d]));
  if (dLse) delta = round(delta - dLse[lseRow]);
  for (const key of keys) {
    const k = keyArray(inputs, key);
    const v = valueArray(inputs, key);
    const dk = key.segment < 0 ? gradients.dk : gradients.dDepth[key.segment].k;
    const dv = key.segment < 0 ? gradients.dv : gradients.dDepth[key.segment].v;
    const logit = logitOf(q, row * D, k, key.kOffset, shape, round);
    const probability = round(Math.exp(round(logit - lse[lseRow])));
    let dProbability = 0;
    for (let d = 0; d < Dv; d++) {
      const dOutValue = dOut[row * Dv + d];
      dProbability = round(dProbability + round(dOutValue * v[key.vOffset + d]));
      dv[key.vOffset + d] = round(dv[key.vOffset + d] + round(probability * dOutValue));
    }
    const slope = softcap === null ? 1 : round(1 - round((logit / softcap) ** 2));
    const dLogit = round(round(round(probability * round(dProbability - delta)) * slope) * scale);
    for (let d = 0; d < D; d++) {
      gradients.dq[row * D + d] = round(gradients.dq[row * D + d] + round(dLogit * k[key.kOffset + d]));
      dk[key.kOffset + d] = round(dk[key.kOffset + d] + round(dLogit * q[row * D + d]));
    }
  }
}
