import type { Tensor } from '@modajs/tensor';

/** A block's two sub-layers. */
export type SubLayer = 'attention' | 'ffn';

/** A norm of `x`, or of `sum = x + y`, made in one pass. */
export type NormOfSum = (x: Tensor, y: Tensor | null) => { readonly sum: Tensor; readonly out: Tensor };

/** What a block's keys and values are made from, where that is not what its queries are made from. */
export interface KeyValueInputs {
  readonly k: Tensor;
  readonly v: Tensor;
  /** Pre-norms of both, in pre-norm models. */
  readonly norms: { readonly k: string; readonly v: string };
}

/** How sub-layers are joined through depth during one forward pass: they read their input here and write their output. */
export interface DepthPath {
  /** Input `[B, T, C]` of a sub-layer, before its pre-norm. */
  read(layer: number, part: SubLayer): Tensor;
  /** Inputs `[B, T, C]` of the keys and values of block `layer`, and the names of their pre-norms; null, or absent, where they are those of the queries. */
  keyValueInputs?(layer: number): KeyValueInputs | null;
  /** Takes the output `[B, T, C]` of a sub-layer. */
  write(layer: number, part: SubLayer, y: Tensor): void;
  /** What the final norm reads, after the last block. */
  finish(): Tensor;
  /** The norm of what `read` or `finish` would give, which is summed in the norm's pass. Absent where inputs are more than a sum. */
  readNormed?(norm: NormOfSum): Tensor;
}

/** A parameter by name. */
export type ParameterLookup = (name: string) => Tensor;
