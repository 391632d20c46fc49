import { roleTraits } from '@modajs/tensor/extend';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { depthSlots } from '../depth/decoder-depth.ts';
import { decoderSpecs } from './decoder-specs.ts';

/** Floating-point operations of one forward pass over one sequence, by part. */
export interface FlopCount {
  /** Two per weight of every matrix and position, output matrix included. */
  readonly linear: number;
  /** `4 T^2 H D` a layer for q.k and p.v over all pairs (half of it when `causal`). */
  readonly sequence: number;
  /** `4 H D` for each position, layer and depth slot it reads. */
  readonly depth: number;
  readonly total: number;
}

/**
 * Forward FLOPs of one sequence of `T` tokens. Norms, softmax, RoPE and element-wise work are not counted; a rival
 * mechanism's mixing counts through its matrices alone.
 *
 * @param options.causal count only the pairs that a causal mask keeps (default: all T^2, as the paper's Table 3)
 */
export function countFlops(config: DecoderConfig, T: number, options: { causal?: boolean } = {}): FlopCount {
  const { nLayers, nHeads, headDim, vocabSize, dModel } = config;
  let weights = config.tieEmbeddings ? vocabSize * dModel : 0;
  for (const { shape, role } of Object.values(decoderSpecs(config))) {
    if (roleTraits(role).multipliesPositions) weights += shape.reduce((product, length) => product * length, 1);
  }
  const linear = 2 * weights * T;
  const pairs = options.causal ? (T * (T + 1)) / 2 : T * T;
  const sequence = 4 * pairs * nHeads * headDim * nLayers;
  let slots = 0;
  const { readBy, positions } = depthSlots(config);
  for (let layer = 0; layer < nLayers; layer++) slots += readBy(layer);
  const depth = 4 * nHeads * headDim * slots * positions(T) * T;
  return { linear, sequence, depth, total: linear + sequence + depth };
}
