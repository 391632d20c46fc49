import type { CommunicationCosts } from '../distributed/communication-meter.ts';

/** A launched step with its numbers, as metrics and guards see it. */
export interface StepOutcome {
  readonly step: number;
  /** Mean cross-entropy, without the z-loss. */
  readonly loss: number;
  /** Absent without a z-loss. */
  readonly zLoss?: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** The limit that the device applied to this loss; null for none (JSON has no Infinity). */
  readonly lossLimit: number | null;
  /** From the end of the previous step to the end of this one, evaluations and saves left out. */
  readonly timeMs: number;
  /** What the other ranks cost this one; absent alone. */
  readonly communication?: CommunicationCosts;
  /** Numbers of an evaluation after this step. */
  readonly evaluation: Readonly<Record<string, number>>;
}
