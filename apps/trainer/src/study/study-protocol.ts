import type { StudyRun } from '@modajs/train';
import type { PlannedRun } from './plan-runs.ts';
import type { Measures } from './study-file.ts';

/** What a worker is started with. */
export interface WorkerSetup {
  /** Folder of the study. */
  readonly folder: string;
  readonly preset: string;
  readonly measure: Measures;
  /** This worker among those of the machine. */
  readonly job: number;
  readonly jobs: number;
}

/** To a worker. */
export type ToWorker =
  | { readonly kind: 'setup'; readonly setup: WorkerSetup }
  | { readonly kind: 'run'; readonly run: PlannedRun }
  | { readonly kind: 'stop' };

/** From a worker. A run's result is on disk before `ended` is sent. */
export type FromWorker =
  | { readonly kind: 'step'; readonly step: number; readonly steps: number; readonly tokensPerSecond: number }
  | { readonly kind: 'ended'; readonly result: StudyRun }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'refused'; readonly message: string };
