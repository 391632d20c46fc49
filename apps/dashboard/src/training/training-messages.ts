import type { RunEvent } from '@modajs/train';
import type { PageModelSize } from './page-models.ts';

/** The two models that train side by side. */
export type Variant = 'moda' | 'baseline';

/** Both, MoDA first. */
export const VARIANTS: readonly Variant[] = ['moda', 'baseline'];

/** How the two are called on the page. */
export const LABELS: Readonly<Record<Variant, string>> = { moda: 'MoDA', baseline: 'Baseline' };

/** Where to compute. */
export type PageDevice = 'auto' | 'webgpu' | 'cpu';

/** What the page asks of the training worker. */
export type TrainingRequest =
  | {
      readonly kind: 'start';
      readonly text: string;
      readonly size: PageModelSize;
      readonly steps: number;
      readonly seed: number;
      readonly device: PageDevice;
    }
  /** Ends the step in progress and keeps its checkpoint; `resume` goes on bit for bit. */
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** Ends the step in progress for good; the models stay to be asked and exported. */
  | { readonly kind: 'stop' }
  /** Opens a device anew after one was lost, and goes on from the last checkpoint. */
  | { readonly kind: 'recover'; readonly device: PageDevice }
  | {
      readonly kind: 'generate';
      /** Given back with every piece of the answer. */
      readonly turn: number;
      readonly variant: Variant;
      /** What the visitor typed; the prompt has the conversation before it. */
      readonly shown: string;
      readonly prompt: string;
      readonly maxNewTokens: number;
      readonly temperature: number;
    }
  /** Ends what is being generated. */
  | { readonly kind: 'hush' }
  | { readonly kind: 'export'; readonly variant: Variant; readonly purpose: ExportPurpose };

/** A zip goes to the visitor's downloads, or to the page that shows where attention goes. */
export type ExportPurpose = 'download' | 'attention';

/** What the worker tells. */
export type TrainingReply =
  | {
      readonly kind: 'ready';
      readonly device: string;
      readonly parameters: Readonly<Record<Variant, number>>;
      readonly vocabSize: number;
    }
  | { readonly kind: 'event'; readonly variant: Variant; readonly event: RunEvent }
  /** A text that a model wrote while it learned. */
  | { readonly kind: 'sample'; readonly variant: Variant; readonly text: string }
  | { readonly kind: 'paused' }
  | { readonly kind: 'finished' }
  | {
      readonly kind: 'text';
      readonly turn: number;
      readonly variant: Variant;
      readonly piece: string;
      readonly isLast: boolean;
    }
  /** A zip of a run folder that `moda generate` opens. */
  | {
      readonly kind: 'exported';
      readonly variant: Variant;
      readonly purpose: ExportPurpose;
      readonly zip: Uint8Array;
    }
  /** The device is gone; the last checkpoint is not. */
  | { readonly kind: 'lost'; readonly message: string }
  | { readonly kind: 'error'; readonly message: string };
