import type { Platform } from '@modajs/tensor';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { RunIdentity } from '../checkpoint/run-identity.ts';
import type { RunConfig } from '../config/run-config.ts';
import type { WeightedSource } from '../data/sequence-order.ts';
import type { Collective } from '../distributed/collective.ts';
import type { RunStorage } from '../storage/run-storage.ts';
import type { SourceLosses } from './evaluate-domains.ts';
import type { HeldOutText } from './evaluate-held-out.ts';
import type { RunListener } from './run-event.ts';
import type { TrainableModel } from './trainable-model.ts';

/** Everything a training run works with; made by the caller, who also disposes of the model. */
export interface RunInputs {
  readonly config: RunConfig;
  readonly model: TrainableModel;
  /** Length of a training sequence. */
  readonly T: number;
  readonly sources: readonly WeightedSource[];
  /** Empty when nothing is held out; then nothing is evaluated. */
  readonly heldOut: readonly HeldOutText[];
  /** Ends a document; null lets tokens see across documents. */
  readonly separator: number | null;
  readonly storage: RunStorage;
  readonly identity: RunIdentity;
  readonly writtenBy: Readonly<Record<string, string>>;
  /** The ranks that train together; alone when absent. Every rank gets the same inputs but its own model and device. */
  readonly collective?: Collective | null;
  /** Where to go on; null starts at step 0. */
  readonly resumeFrom: Checkpoint | null;
  /** Go on although the configuration's schedule changes the learning rate of the next step; refused by default. */
  readonly acceptsSchedule?: boolean;
  /** Forward FLOPs of one token, for the utilisation in the metrics. */
  readonly flopsPerToken?: number;
  /** FLOP/s of all ranks' devices together that count as full utilisation: `measurePeakFlops`. */
  readonly peakFlops?: number;
  /** Further numbers for the metrics of the evaluation after a step, such as `depthStatistics`; on the first rank. */
  readonly inspect?: (step: number) => Promise<Readonly<Record<string, number>>>;
  readonly listener?: RunListener;
  /** Ends the run after the step in progress, with a checkpoint. */
  readonly signal?: Platform<'AbortSignal'>;
}

/** How a run ended. */
export interface RunSummary {
  readonly step: number;
  /** The signal came before the last step. */
  readonly interrupted: boolean;
  /** Of the last step. */
  readonly loss: number | null;
  /** Last evaluation, or null. */
  readonly heldOutLoss: number | null;
  readonly heldOutBitsPerByte: number | null;
  /** Ranks that the others went on without (`training.sync: diloco`); then only messages between ranks still work. */
  readonly absentRanks: readonly number[];
  /** The same by source, when there are several. */
  readonly heldOutBySource: SourceLosses;
}
