import type { BenchScale, TuneOutcome } from '@modajs/bench';
import type { PagePreset } from './bench-messages.ts';
import type { MeasureReply, MeasureRequest } from './measure-messages.ts';

/** Whose kernels are tuned: those that a benchmark runs at a scale. */
export interface TuneSettings {
  readonly preset: PagePreset;
  readonly scale: BenchScale;
}

/** What the page asks of the tuning worker; `cancel` ends after the candidate in progress, and finished classes are kept. */
export type TuneRequest = MeasureRequest<TuneSettings>;

/** What the worker tells. `measuring`: a candidate is about to be checked and timed. */
export type TuneReply =
  | { readonly kind: 'ready'; readonly device: string; readonly classes: number; readonly candidates: number }
  /** A class is done, and kept. */
  | { readonly kind: 'outcome'; readonly outcome: TuneOutcome }
  | MeasureReply;
