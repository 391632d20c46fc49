import type { DecodeRotary } from './decode-attention.ts';

/** A matrix `[N, K]`, row-major: which of the storages `w0`.. holds it, its first element there, its bias in `vectors`. */
export interface BlockMatrix {
  readonly storage: number;
  readonly start: number;
  readonly bias: number | null;
}

/** Where the parts of one block lie. Norm weights and biases are starts in `vectors`, all multiples of 4. */
export interface DecodeBlock {
  readonly q: BlockMatrix;
  readonly k: BlockMatrix;
  readonly v: BlockMatrix;
  /** Depth projection `[2 * Hkv * D, C]` of the attention's slot; null for slots that share the token's k and v. */
  readonly attentionKv: BlockMatrix | null;
  readonly output: BlockMatrix;
  readonly gate: BlockMatrix;
  readonly up: BlockMatrix;
  /** Depth projection `[2 * Hkv * D, C]` of the FFN's input; null for blocks that write no such slot. */
  readonly ffnSlot: BlockMatrix | null;
  readonly down: BlockMatrix;
  /** Norm where the attention begins (of its input, or of what the block before leaves), and where the FFN does. */
  readonly attentionNorm: number;
  readonly ffnNorm: number;
  readonly qNorm: number;
  readonly kNorm: number;
  /** Key norm of the slot that the previous block's FFN left. */
  readonly ffnKvNorm: number;
  /** First elements of the block's keys in `cacheK` and of its values in `cacheV`. */
  readonly cacheK: number;
  readonly cacheV: number;
  /** Slots `first .. end - 1` are read; `ffnKv` of them is written here from the previous FFN; `written` is filled by this attention. */
  readonly slots: {
    readonly first: number;
    readonly end: number;
    readonly ffnKv: number | null;
    readonly written: number | null;
  } | null;
}

/** One token through all blocks of a decoder, at batch 1. */
export interface DecodeBlocksProblem {
  readonly dtype: 'f32' | 'f16';
  readonly C: number;
  readonly F: number;
  readonly H: number;
  readonly Hkv: number;
  readonly D: number;
  /** Parts of the keys at most; the first holds the token and its slots, the others share the cache. */
  readonly splits: number;
  readonly norm: 'pre' | 'post' | 'reordered';
  readonly qkNorm: 'none' | 'full' | 'head';
  readonly eps: number;
  readonly scale: number;
  readonly rotary: DecodeRotary | null;
  readonly depth: { readonly hasNorm: boolean; readonly hasRope: boolean } | null;
  /** First element of the embedding in `table`. */
  readonly tableStart: number;
  /** Storages of weights, 1 to 4. */
  readonly storages: number;
  readonly blocks: readonly DecodeBlock[];
  /** Workgroups that run at once on the device: `planResidentWorkgroups` counts them. The kernel uses no more. */
  readonly residentWorkgroups: number;
}
