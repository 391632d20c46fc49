import type { AttentionMaps } from '../attention/attention-messages.ts';

/** What the figure's worker tells, without being asked: it trains a model and shows where that looks while it learns. */
export type FigureReply =
  | {
      readonly kind: 'maps';
      readonly maps: AttentionMaps;
      readonly step: number;
      readonly steps: number;
      /** Nats per character of the last batch; null before the first step. */
      readonly loss: number | null;
      readonly parameters: number;
      readonly device: string;
    }
  | { readonly kind: 'error'; readonly message: string };

/** What the page asks: to stop for a while, and to go on. */
export type FigureRequest = 'pause' | 'resume';
