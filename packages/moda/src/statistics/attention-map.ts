import {
  ConfigError,
  cast,
  concat,
  exp,
  matmul,
  mul,
  noGrad,
  reshape,
  slice,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
  transpose,
  unsqueeze,
  where,
} from '@modajs/tensor';
import type { AttentionProbe } from './attention-probe.ts';
import { checkProbe } from './check-probe.ts';
import { groupHeads, logitsOf } from './group-heads.ts';

/** Probabilities of one layer, f32 whatever the layer computes in; a row's two parts together sum to 1. */
export interface AttentionMap {
  /** `[B, H, T, Tk]` */
  readonly sequence: Tensor;
  /** `[B, H, T, S]`, slots in writing order; null when the layer read none. */
  readonly depth: Tensor | null;
}

/**
 * The full attention map of a layer, for figures like the paper's Fig. 5. O(T Tk) memory: for prompts, not for training.
 *
 * @throws ConfigError for chunk-visible depth, whose depth part has no fixed columns
 */
export function attentionMap(probe: AttentionProbe): AttentionMap {
  checkProbe('attentionMap', probe);
  const { config, depth } = probe;
  if (depth && config.depthChunk > 1) {
    throw new ConfigError(
      `attentionMap: depth keys must belong to the query's own position, got depthChunk=${config.depthChunk}. Use attentionStatistics.`,
      { depthChunk: config.depthChunk },
    );
  }
  return tidy(() => noGrad(() => ({ sequence: sequenceMap(probe), depth: depth && depthMap(probe) })));
}

function sequenceMap(probe: AttentionProbe): Tensor {
  const { sequenceQ, k, Tk, lse, config, docRange } = probe;
  const [B, T, H, D] = sequenceQ.shape;
  const Hkv = k.shape[2];
  const keys = transpose(cast(slice(k, [0, 0, 0, 0], [B, Tk, Hkv, D]), 'f32'), [0, 2, 3, 1]); // [B, Hkv, D, Tk]
  const queries = transpose(groupHeads(cast(sequenceQ, 'f32'), Hkv), [0, 2, 3, 1, 4]); // [B, Hkv, G, T, D]
  const logits = logitsOf(matmul(queries, unsqueeze(keys, 2)), probe); // [B, Hkv, G, T, Tk]
  const probabilities = exp(sub(reshape(logits, [B, H, T, Tk]), unsqueeze(lse, 3)));
  if (docRange) {
    throw new ConfigError(
      'attentionMap: rows must hold one document each, got docRange. Map the documents one by one.',
    );
  }
  if (!config.causal) return probabilities;
  const window = config.window ?? Number.POSITIVE_INFINITY;
  // How many positions back a key lies.
  const visible = new Float32Array(T * Tk).map((_, i) => {
    const back = Math.floor(i / Tk) + (Tk - T) - (i % Tk);
    return Number(back >= 0 && back < window);
  });
  return where(tensor(visible, { shape: [1, 1, T, Tk], dtype: lse.dtype, device: lse.device }), probabilities, 0);
}

function depthMap(probe: AttentionProbe): Tensor {
  return exp(sub(slotLogits(probe), unsqueeze(probe.lse, 3)));
}

/** f32 `[B, H, T, S]`: logits of the slots of each query's own position. */
export function slotLogits(probe: AttentionProbe): Tensor {
  const { q, slots } = probe;
  const [B, T, H] = q.shape;
  const Hkv = slots[0].shape[2];
  const queries = groupHeads(cast(q, 'f32'), Hkv);
  const columns = slots.map((k) => {
    const product = mul(queries, unsqueeze(cast(k, 'f32'), 3)); // [B, T, Hkv, G, D]
    return reshape(sum(product, { axes: [4] }), [B, T, H, 1]);
  });
  return logitsOf(transpose(concat(columns, 3), [0, 2, 1, 3]), probe);
}
