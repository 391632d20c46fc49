import { unknownName } from '@modajs/tensor';
import type { RankTrainingState } from '../checkpoint/checkpoint.ts';
import type { CommunicationCosts } from '../distributed/communication-meter.ts';
import type { MetricsLog, MetricsRow } from '../metrics/metrics-log.ts';
import { LossScaler, type LossScaleState } from '../optim/loss-scaler.ts';
import { StorageFullError } from '../storage/storage-full-error.ts';
import { deferRejection } from './defer-rejection.ts';
import { lossesBySource } from './evaluate-domains.ts';
import { needsLossScale } from './needs-loss-scale.ts';
import type { RunInputs, RunSummary } from './run-inputs.ts';
import { initialSpikeGuard, nextSpikeGuard, type SpikeGuardState, spikeThreshold } from './spike-guard.ts';
import type { StepOutcome } from './step-outcome.ts';
import type { StepNumbers } from './training-step.ts';
import { TrainingStoppedError } from './training-stopped-error.ts';

/** Steps whose median time is the speed of a row: one that waited for an evaluation, and the next that did not, say nothing. */
const RATED_STEPS = 9;

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

/** A step that was handed to the device. */
export interface LaunchedStep {
  readonly step: number;
  readonly learningRate: number;
  readonly lossLimit: number;
  readonly numbers: Promise<StepNumbers>;
  /** Filled in when an evaluation follows the step. */
  evaluation: Readonly<Record<string, number>>;
  /** Filled in where there are several ranks: what they cost this one since the step before. */
  communication?: CommunicationCosts;
  readonly outcome: Promise<StepOutcome>;
}

/**
 * Keeps account of launched steps: settles their numbers in order, a fixed number of steps late, and from them decides the
 * loss scale, what the guard does, and what is logged.
 */
export class StepLedger {
  private readonly scaler: LossScaler;
  private guard: SpikeGuardState = initialSpikeGuard;
  last: Pick<RunSummary, 'loss' | 'heldOutLoss' | 'heldOutBitsPerByte' | 'heldOutBySource'> = {
    loss: null,
    heldOutLoss: null,
    heldOutBitsPerByte: null,
    heldOutBySource: [],
  };
  private launched: LaunchedStep[] = [];
  private finishedAt = 0;
  private flushFailed = false;
  private recentMs: number[] = [];

  constructor(
    private readonly inputs: RunInputs,
    private readonly metrics: MetricsLog,
  ) {
    const { training, lossScale } = inputs.config;
    this.scaler = new LossScaler({ ...lossScale, initial: needsLossScale(training.dtype) ? lossScale.initial : 1 });
  }

  /** For a checkpoint. */
  get state(): { readonly lossScale: LossScaleState; readonly guard: SpikeGuardState } {
    return { lossScale: this.scaler.state, guard: this.guard };
  }

  get inFlight(): number {
    return this.launched.length;
  }

  /** For the next step. */
  controls(): { lossScale: number; lossLimit: number } {
    const lossLimit = spikeThreshold(this.guard, this.inputs.config.guard.spikeFactor);
    return { lossScale: this.scaler.value, lossLimit };
  }

  add(step: Omit<LaunchedStep, 'evaluation' | 'outcome'> & { readonly launchedAt: number }): LaunchedStep {
    const outcome = step.numbers.then((numbers) => {
      const now = performance.now();
      const timeMs = now - Math.max(this.finishedAt, step.launchedAt);
      this.finishedAt = now;
      const lossLimit = step.lossLimit === Infinity ? null : step.lossLimit;
      const { learningRate } = step;
      return { step: step.step, ...numbers, learningRate, lossLimit, timeMs, evaluation: {} };
    });
    const launched: LaunchedStep = { ...step, evaluation: {}, outcome: deferRejection(outcome) };
    this.launched.push(launched);
    return launched;
  }

  /** Waits for the oldest launched step and acts on it. @throws TrainingStoppedError */
  async settleOldest(): Promise<'continue' | 'rollback'> {
    const launched = this.launched.shift()!;
    const outcome = await settled(launched);
    const decision = this.judge(outcome);
    this.log(outcome);
    return decision;
  }

  /** Numbers of the steps in flight, for a checkpoint; they stay in flight. */
  async unsettled(): Promise<StepOutcome[]> {
    return Promise.all(this.launched.map(settled));
  }

  /** Takes up the state of a checkpoint. */
  restore({ lossScale, guard, unsettled }: RankTrainingState): void {
    this.scaler.loadState(lossScale);
    this.guard = guard;
    this.launched = unsettled.map((outcome) => ({
      step: outcome.step,
      learningRate: outcome.learningRate,
      lossLimit: outcome.lossLimit ?? Infinity,
      evaluation: outcome.evaluation,
      communication: outcome.communication,
      numbers: Promise.resolve(outcome),
      outcome: Promise.resolve(outcome),
    }));
  }

  /** Waits for the steps in flight and forgets them. */
  async discard(): Promise<void> {
    await this.unsettled();
    this.launched = [];
  }

  keepEvents(events: number): void {
    this.guard = { ...this.guard, events };
  }

  /** Writes what was logged. A full disk keeps the rows for later, is reported once, and does not end the run. */
  async flush(): Promise<void> {
    try {
      await this.metrics.flush();
      this.flushFailed = false;
    } catch (error) {
      if (!(error instanceof StorageFullError)) throw error;
      if (!this.flushFailed) this.inputs.listener?.({ kind: 'warning', message: error.message });
      this.flushFailed = true;
    }
  }

  /** Drops what was logged after a step, for it will be logged again. */
  forgetAfter(step: number): Promise<void> {
    return this.metrics.forgetAfter(step);
  }

  stopped(why: string): TrainingStoppedError {
    return new TrainingStoppedError(
      `train: the run stopped: ${why}. Lower optimizer.lr, or set guard.onNan to skip or rollback; the last checkpoint is good.`,
    );
  }

  private judge(outcome: StepOutcome): 'continue' | 'rollback' {
    const { training, guard } = this.inputs.config;
    const { step, loss, gradientNorm, lossLimit } = outcome;
    const wasFinite = Number.isFinite(loss) && Number.isFinite(gradientNorm);
    const isScaled = needsLossScale(training.dtype);
    const isOverflow = !wasFinite && isScaled && this.scaler.value > 1;
    if (isScaled) this.scaler.update(wasFinite);
    if (isOverflow) return 'continue';
    const isSpike = wasFinite && lossLimit !== null && loss > lossLimit;
    this.guard = nextSpikeGuard(this.guard, loss, isSpike || !wasFinite);
    if (wasFinite && !isSpike) return 'continue';
    const what = `step ${step} had loss ${loss} and gradient norm ${gradientNorm}`;
    const { onNan, maxEvents } = guard;
    switch (onNan) {
      case 'stop':
        throw this.stopped(what);
      case 'skip':
        this.requireEventsLeft(what, maxEvents);
        this.inputs.listener?.({ kind: 'warning', message: `train: ${what}; its update was skipped.` });
        return 'continue';
      case 'rollback':
        this.requireEventsLeft(what, maxEvents);
        this.inputs.listener?.({ kind: 'warning', message: `train: ${what}; rolling back to the last checkpoint.` });
        return 'rollback';
      default:
        return unknownName('guard.onNan', onNan);
    }
  }

  private requireEventsLeft(what: string, maxEvents: number): void {
    if (this.guard.events > maxEvents) throw this.stopped(`${what}, after ${maxEvents} refused steps`);
  }

  private log(outcome: StepOutcome): void {
    const { config, T, listener } = this.inputs;
    const { steps } = config.training;
    const isEvaluation = Object.keys(outcome.evaluation).length > 0;
    this.recentMs = [...this.recentMs, outcome.timeMs].slice(-RATED_STEPS);
    const row = this.rowOf(outcome, config.training.batchSize * T);
    this.last = {
      loss: outcome.loss,
      heldOutLoss: row.heldOutLoss ?? this.last.heldOutLoss,
      heldOutBitsPerByte: row.heldOutBitsPerByte ?? this.last.heldOutBitsPerByte,
      heldOutBySource: row.heldOutLoss === undefined ? this.last.heldOutBySource : lossesBySource(row),
    };
    if (isEvaluation || outcome.step % config.logging.every === 0 || outcome.step === steps) this.metrics.add(row);
    listener?.({ kind: 'step', row, steps });
    if (isEvaluation) listener?.({ kind: 'evaluation', row, steps });
  }

  private rowOf(outcome: StepOutcome, tokens: number): MetricsRow {
    const { step, loss, zLoss, gradientNorm, learningRate, timeMs, evaluation, communication } = outcome;
    const { config, flopsPerToken, peakFlops, model } = this.inputs;
    const tokensPerSecond = (tokens / median(this.recentMs)) * 1000;
    // A backward pass costs two forward passes.
    const modelFlops = flopsPerToken === undefined ? null : 3 * flopsPerToken * tokensPerSecond;
    const { device } = Object.values(model.parameters())[0];
    return {
      step,
      loss,
      ...(zLoss === undefined ? {} : { zLoss }),
      learningRate,
      gradientNorm,
      tokensPerSecond,
      timeMs,
      tokens: step * tokens,
      ...(modelFlops === null ? {} : { modelGflopsPerSecond: modelFlops / 1e9 }),
      ...(modelFlops === null || peakFlops === undefined ? {} : { utilizationPercent: (100 * modelFlops) / peakFlops }),
      ...(needsLossScale(config.training.dtype)
        ? { lossScale: this.scaler.value, skippedSteps: this.scaler.state.skipped }
        : {}),
      deviceBytes: device.memory().liveBytes,
      ...(communication === undefined ? {} : rowOfCosts(communication)),
      ...evaluation,
    };
  }
}

/** A launched step with all that has been filled in. */
async function settled({ outcome, evaluation, communication }: LaunchedStep): Promise<StepOutcome> {
  return { ...(await outcome), evaluation, ...(communication === undefined ? {} : { communication }) };
}

function rowOfCosts({ sentBytes, receivedBytes, hiddenMs, waitedMs }: CommunicationCosts): Partial<MetricsRow> {
  return {
    sentBytes,
    receivedBytes,
    communicationHiddenMs: hiddenMs,
    communicationWaitedMs: waitedMs,
  };
}
