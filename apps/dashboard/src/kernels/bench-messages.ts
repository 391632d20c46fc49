import type { BenchCeilings, BenchEnvironment, BenchRow, BenchScale } from '@modajs/bench';
import type { MeasureReply, MeasureRequest } from './measure-messages.ts';

/** Presets that run in a page. */
export const PRESETS = ['matmul', 'attention', 'moda', 'ablation'] as const;
export type PagePreset = (typeof PRESETS)[number];

/** Other libraries that compute in a browser. */
export const PEERS = ['jax-js', 'TensorFlow.js', 'onnxruntime-web'] as const;
export type PeerName = (typeof PEERS)[number];

/** What is to be measured, and on what. */
export interface BenchSettings {
  readonly preset: PagePreset;
  readonly scale: BenchScale;
  readonly device: 'auto' | 'webgpu' | 'cpu';
  readonly peers: readonly PeerName[];
  /** Kernels run in the configurations that this browser keeps for the adapter. */
  readonly isTuned: boolean;
}

/** A row that is to come. */
export interface PlannedRow {
  readonly id: string;
  readonly name: string;
}

/** What the page asks of the benchmark worker; `cancel` ends after the row in progress. */
export type BenchRequest = MeasureRequest<BenchSettings>;

/** What the worker tells. */
export type BenchReply =
  | {
      readonly kind: 'ready';
      readonly device: string;
      readonly environment: BenchEnvironment;
      readonly planned: readonly PlannedRow[];
    }
  | { readonly kind: 'ceilings'; readonly ceilings: BenchCeilings }
  | { readonly kind: 'row'; readonly row: BenchRow }
  | MeasureReply;
