import type { DepthReading, Tensor } from '@modajs/tensor';
import { checkOptions, isReading, type OptionChecks, whole } from '@modajs/tensor/checks';
import { attend } from './attend.ts';
import { type AttentionResult, SEQUENCE_OPTIONS, type SequenceOptions } from './attention-options.ts';

/** Options of `modaChunkVisible`. */
export interface ChunkVisibleOptions extends SequenceOptions {
  /** C: positions a chunk holds. 1 equals `moda`; C >= T is causal attention over the flattened depth. */
  readonly chunk: number;
  /** Absolute position of the first depth position; 0 by default. Only its remainder by `chunk` matters. */
  readonly firstPosition?: number;
}

const CHUNK_OPTIONS: OptionChecks<ChunkVisibleOptions> = {
  ...SEQUENCE_OPTIONS,
  chunk: whole(1),
  firstPosition: whole(),
};

/**
 * MoDA whose query at position t also sees the slots of positions `floor(t / C) C .. t`, counted from the start of its document
 * where `docRange` gives one. The sequence part is as in `moda`.
 *
 * @throws ShapeError, DTypeError as `moda`; ConfigError for a chunk below 1
 * Reference: arXiv 2603.15619, the authors' `moda_v16`, where C leaks from a tile size.
 */
export function modaChunkVisible(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  depth: DepthReading,
  options: ChunkVisibleOptions,
): AttentionResult {
  checkOptions('modaChunkVisible', options, CHUNK_OPTIONS, ['chunk']);
  isReading('modaChunkVisible', 'depth', depth);
  const { chunk, firstPosition = 0, sinks, bias, mask, alibi, ...sequence } = options;
  const chunks = { chunk, chunkPhase: firstPosition % chunk };
  return attend({ q, k, v, depth, ...chunks, ...sequence }, { sinks, bias, mask, alibi });
}
