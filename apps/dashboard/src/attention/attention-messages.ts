import type { SlotOrigin } from '@modajs/models';

/** Files of a model by path: a run folder, a Hugging Face folder, or a zip of either. */
export type ModelFiles = ReadonlyMap<string, Uint8Array>;

/** What the page asks of the attention worker. */
export type AttentionRequest =
  | { readonly kind: 'open'; readonly name: string; readonly files: ModelFiles }
  /** Trains a small model on a book, to have one to look into. */
  | { readonly kind: 'train'; readonly text: string; readonly steps: number }
  | { readonly kind: 'map'; readonly prompt: string };

/** A model that is open. */
export interface OpenModelInfo {
  readonly name: string;
  readonly device: string;
  readonly depth: string;
  readonly nLayers: number;
  readonly nHeads: number;
  readonly parameters: number;
}

/** Probabilities of one layer for a prompt of T tokens, row-major. A row's two parts together sum to 1. */
export interface LayerMap {
  /** `[H, T, T]` */
  readonly sequence: Float32Array;
  /** `[H, T, S]` */
  readonly depth: Float32Array;
  /** Writers of the S slots, oldest first; null for slots kept by score, whose writer differs by position and head. */
  readonly slots: readonly (SlotOrigin | null)[];
}

/** Where attention goes for one prompt. */
export interface AttentionMaps {
  readonly prompt: string;
  readonly tokens: readonly string[];
  /** Tokens of the prompt that were left out for length. */
  readonly tokensLeftOut: number;
  readonly nHeads: number;
  readonly layers: readonly LayerMap[];
  /** Share of the softmax on depth slots, mean over positions: `[L][H]`. */
  readonly depthMass: readonly (readonly number[])[];
  /** Share of the softmax on the first token, mean over positions: `[L][H]`. */
  readonly sinkMass: readonly (readonly number[])[];
}

/** What the worker tells. */
export type AttentionReply =
  | { readonly kind: 'progress'; readonly step: number; readonly steps: number; readonly loss: number | null }
  | { readonly kind: 'opened'; readonly model: OpenModelInfo }
  | { readonly kind: 'maps'; readonly maps: AttentionMaps }
  | {
      readonly kind: 'error';
      readonly during: AttentionRequest['kind'];
      readonly message: string;
      readonly isLost: boolean;
    };
