import type { BenchScale, TuneOutcome } from '@modajs/bench';
import type { PagePreset } from './bench-messages.ts';

/** Whose kernels are tuned: those that a benchmark runs at a scale. */
export interface TuneSettings {
  readonly preset: PagePreset;
  readonly scale: BenchScale;
}

/** What the page asks of the tuning worker. */
export type TuneRequest =
  | { readonly kind: 'start'; readonly settings: TuneSettings }
  /** Ends after the candidate in progress; finished classes are kept. */
  | { readonly kind: 'cancel' };

/** What the worker tells. */
export type TuneReply =
  | { readonly kind: 'ready'; readonly device: string; readonly classes: number; readonly candidates: number }
  /** A candidate is about to be checked and timed. */
  | { readonly kind: 'measuring'; readonly what: string }
  /** A class is done, and kept. */
  | { readonly kind: 'outcome'; readonly outcome: TuneOutcome }
  | { readonly kind: 'finished'; readonly cancelled: boolean }
  /** The device went away; what was kept stays. */
  | { readonly kind: 'lost'; readonly message: string }
  | { readonly kind: 'error'; readonly message: string };
