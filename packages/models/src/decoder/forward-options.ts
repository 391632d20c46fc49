import type { AttentionProbe } from '@modajs/moda';
import type { LinearCrossEntropyOptions, Tensor } from '@modajs/tensor';
import { callback, checkedLater, flag, type OptionChecks } from '@modajs/tensor/checks';
import type { DecoderCache } from './decoder-cache.ts';

/** Names are checked here, values where they are used. */
export const FORWARD_OPTIONS: OptionChecks<ForwardOptions> = {
  positions: checkedLater,
  docRange: checkedLater,
  cache: checkedLater,
  checkpoint: flag,
  onAttention: callback,
};

/** Options of a decoder's loss: of its forward pass, and of the cross-entropy but for the cap, which is the model's. */
export interface LossOptions extends ForwardOptions, Omit<LinearCrossEntropyOptions, 'softcap'> {}

export const LOSS_OPTIONS: OptionChecks<LossOptions> = {
  ...FORWARD_OPTIONS,
  ignoreIndex: checkedLater,
  zLoss: checkedLater,
  chunk: checkedLater,
  parts: checkedLater,
};

/** Options of a decoder's forward pass. */
export interface ForwardOptions {
  /** i32 `[B, T]`, absolute; by default they count on from the cache, or from 0. */
  readonly positions?: Tensor;
  /** i32 `[B, T, 2]`: key range of each position's document, from `documentRanges`. */
  readonly docRange?: Tensor | null;
  /** Reads and extends a cache of earlier positions: for decoding, unrecorded. */
  readonly cache?: DecoderCache | null;
  /** Recompute each block in the backward pass instead of keeping its activations. `residual` and MoDA models only. */
  readonly checkpoint?: boolean;
  /** Called in each layer with what its attention read; tensors live during the call. */
  readonly onAttention?: (layer: number, probe: AttentionProbe) => void;
}
