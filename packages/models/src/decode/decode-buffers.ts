import { type Device, type DType, empty, type Tensor, withoutScope, zeros } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { arenaSlots, fusedDepth } from '../depth/decoder-depth.ts';
import type { DecodeProgram } from './decode-program.ts';

/** Positions of the cache that one part of the keys is meant for; what two hundred workgroups cannot fill is not split further. */
const POSITIONS_A_SPLIT = 128;
const MOST_WORKGROUPS = 128;

/** Activations of one token, f32, and the state that kernels step on by themselves. */
export interface DecodeBuffers {
  /** i32: position, token, step, unused. */
  readonly state: Tensor;
  /** Two residual sums: each product reads one and may write the other. */
  readonly sums: readonly [Tensor, Tensor];
  /** Output of the latest sub-layer. */
  readonly y: Tensor;
  /** q, k, v and the attention slot's own k and v. */
  readonly raw: Tensor;
  /** The FFN's hidden row, then the raw k and v of its slot. */
  readonly hidden: Tensor;
  /** Partial attention by split. */
  readonly partial: Tensor;
  readonly statistics: Tensor;
  readonly logits: Tensor;
  /** Numbers on their way between workgroups, where one kernel runs all blocks. */
  readonly exchange: Tensor;
  /** u32 `[capacity, 2]`: tokens that the device chose, with the bits of their log-probabilities. */
  readonly results: Tensor;
  /** Depth slots of the token at hand; null without. */
  readonly depth: { readonly k: Tensor; readonly v: Tensor } | null;
  readonly splits: number;
}

/** Memory of one token's decoding, owned by the caller. @throws OutOfMemoryError */
export function createDecodeBuffers(
  config: DecoderConfig,
  { capacity, dtype, device, program }: { capacity: number; dtype: DType; device: Device; program: DecodeProgram },
): DecodeBuffers {
  const { nHeads, nKvHeads, headDim, dModel, dFf, vocabSize } = config;
  const width = nKvHeads * headDim;
  const most = Math.max(1, Math.floor(MOST_WORKGROUPS / nKvHeads) - 1);
  const splits = 1 + Math.min(most, Math.ceil(capacity / POSITIONS_A_SPLIT));
  const sizes = { C: dModel, F: dFf, H: nHeads, Hkv: nKvHeads, D: headDim, splits };
  const slots = fusedDepth(config)?.slots ? arenaSlots(config) : 0;
  return withoutScope(() => {
    const row = (length: number): Tensor => empty([length], { device });
    const arena = (): Tensor => empty([slots, nKvHeads, headDim], { dtype, device });
    return {
      state: zeros([4], { dtype: 'i32', device }),
      sums: [row(dModel), row(dModel)],
      y: row(dModel),
      raw: row(nHeads * headDim + 4 * width),
      hidden: row(dFf + 2 * width),
      partial: row(splits * nHeads * headDim),
      statistics: row(splits * nHeads * 2),
      logits: row(vocabSize),
      exchange: zeros([program.hasResidentWorkgroups ? program.exchangeLength(sizes) : 2], { dtype: 'u32', device }),
      results: zeros([capacity, 2], { dtype: 'u32', device }),
      depth: slots > 0 ? { k: arena(), v: arena() } : null,
      splits,
    };
  });
}

/** Gives the memory back. */
export function disposeDecodeBuffers({ sums, depth, splits: _, ...rest }: DecodeBuffers): void {
  for (const tensor of [...sums, ...Object.values(rest), ...Object.values(depth ?? {})]) tensor.dispose();
}
