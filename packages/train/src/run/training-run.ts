import { CheckpointError, type Optimizer, readSafetensors, type SafetensorsInput, type Tensor } from '@modajs/tensor';
import {
  type Checkpoint,
  type RankTrainingState,
  readLatestCheckpoint,
  type TrainingState,
} from '../checkpoint/checkpoint.ts';
import { CheckpointKeeper } from '../checkpoint/checkpoint-keeper.ts';
import { restoreTensors } from '../checkpoint/restore-tensors.ts';
import { type BatchOptions, type HostBatch, nextBatch } from '../data/batch.ts';
import { SequenceOrder, type SequencePosition } from '../data/sequence-order.ts';
import type { Collective } from '../distributed/collective.ts';
import { CollectiveError } from '../distributed/collective-error.ts';
import { DataParallel } from '../distributed/data-parallel.ts';
import { Diloco } from '../distributed/diloco/diloco.ts';
import { inProcessCollectives } from '../distributed/in-process-collective.ts';
import { readOnlyStorage } from '../distributed/read-only-storage.ts';
import { MetricsLog } from '../metrics/metrics-log.ts';
import { createOptimizer } from '../optim/create-optimizer.ts';
import { WeightAverage } from '../optim/weight-average.ts';
import { createSchedule } from '../schedule/create-schedule.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { deferRejection } from './defer-rejection.ts';
import { evaluateDomains } from './evaluate-domains.ts';
import { forgetReplays } from './replayed-gradients.ts';
import { requireResumable } from './require-resumable.ts';
import type { RunInputs, RunSummary } from './run-inputs.ts';
import { type LaunchedStep, StepLedger } from './step-ledger.ts';
import { trainingStep } from './training-step.ts';

/** Steps that may be on the device while the host prepares the next one. */
const IN_FLIGHT = 2;
/** The host lets other work in (signals, a page's events) at least this often. */
const YIELD_INTERVAL_MS = 50;
/** Who watches `metrics.jsonl` sees rows at most this late. */
const FLUSH_INTERVAL_MS = 1000;

/**
 * A training run. Resuming from one of its checkpoints continues bit for bit on the same device: weights, optimiser, data
 * position, loss scale and guard are restored, and decisions made from losses lag by a fixed number of steps, so nothing
 * depends on timing.
 */
export class TrainingRun {
  private readonly optimizer: Optimizer;
  private readonly schedule: Schedule;
  private readonly parallel: DataParallel | null;
  private readonly diloco: Diloco | null;
  private readonly average: WeightAverage | null;
  private readonly order: SequenceOrder;
  private readonly batches: BatchOptions;
  private readonly keeper: CheckpointKeeper;
  private readonly ledger: StepLedger;
  private step = 0;
  private position: SequencePosition;
  private best: { readonly step: number; readonly heldOutLoss: number } | null = null;

  /** @throws DataError for a source shorter than one sequence, or less text than one batch; ConfigError for a batch that the ranks cannot share */
  constructor(private readonly inputs: RunInputs) {
    const { config, model, T, sources, separator, resumeFrom, collective, signal, listener = () => {} } = inputs;
    const storage = isFirst(collective) ? inputs.storage : readOnlyStorage(inputs.storage);
    const params = model.parameters();
    const isDiloco = config.training.sync === 'diloco';
    this.parallel = collective && !isDiloco ? new DataParallel(collective, model, config, signal) : null;
    this.diloco = isDiloco
      ? new Diloco(collective ?? inProcessCollectives(1)[0], params, config, {
          warn: (message) => listener({ kind: 'warning', message }),
          signal,
        })
      : null;
    this.optimizer = this.parallel?.optimizer ?? createOptimizer(params, config.optimizer);
    this.schedule = createSchedule({ ...config.schedule, steps: config.training.steps });
    const { emaDecay } = config.training;
    // Where ranks step alone, the average is of the first one's weights.
    const isAveraged = emaDecay !== null && (!isDiloco || isFirst(collective));
    this.average = isAveraged ? new WeightAverage(params, emaDecay) : null;
    this.order = new SequenceOrder(sources, T, config.seed, config.data.shuffle, config.data.offsets);
    this.order.requireBatch(config.training.batchSize);
    this.position = this.order.start();
    this.batches = {
      sources: sources.map(({ source }) => source),
      order: this.order,
      B: config.training.batchSize,
      T,
      separator,
      rows: this.ranks?.rows,
    };
    this.keeper = new CheckpointKeeper(storage, {
      keepLast: config.checkpoint.keepLast,
      identity: inputs.identity,
      writtenBy: inputs.writtenBy,
      listener,
      resumedStep: resumeFrom?.state.step,
    });
    const metrics = new MetricsLog(storage, { tensorBoard: config.logging.tensorBoard });
    this.ledger = new StepLedger(inputs, metrics);
  }

  /**
   * Trains to the last step or until the signal.
   *
   * @throws CheckpointError when `resumeFrom` is of another configuration or shape; TrainingStoppedError; StorageFullError
   *   when the last checkpoint could not be saved; CollectiveError for ranks with other settings, and when one is gone or cannot
   *   be reached: then the first rank saves the last whole step
   */
  async run(): Promise<RunSummary> {
    try {
      return await this.train();
    } catch (error) {
      if (error instanceof CollectiveError) await this.saveAlone();
      throw error;
    }
  }

  private async train(): Promise<RunSummary> {
    const { config, resumeFrom, listener = () => {} } = this.inputs;
    const { steps } = config.training;
    await this.parallel?.requireAgreement();
    if (resumeFrom) {
      const change = requireResumable(resumeFrom, this.inputs);
      if (change !== null) listener({ kind: 'warning', message: `train: ${change}` });
      await this.restore(resumeFrom, resumeFrom.state.position);
    } else if (isFirst(this.inputs.collective)) {
      await this.ledger.forgetAfter(0);
    }
    if (!resumeFrom) await this.diloco?.start();
    listener({ kind: 'start', step: this.step, steps, resumed: resumeFrom !== null });
    let batch = this.prefetch(this.position);
    let yieldedAt = performance.now();
    let flushedAt = yieldedAt;
    while (this.step < steps && !this.isStopped()) {
      if (await this.settleDownTo(IN_FLIGHT - 1)) batch = this.prefetch(this.position);
      const current = await batch;
      batch = this.prefetch(current.next);
      const launched = await this.launch(current);
      if (this.diloco && (await this.exchange(this.diloco))) batch = this.prefetch(this.position);
      launched.communication = this.inputs.collective ? this.ranks?.meter.take() : undefined;
      if (this.isDue(config.evaluation.every)) launched.evaluation = await this.evaluate();
      if (this.isDue(config.checkpoint.every)) await this.save();
      if (performance.now() - yieldedAt > YIELD_INTERVAL_MS) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (performance.now() - flushedAt > FLUSH_INTERVAL_MS) {
          await this.ledger.flush();
          flushedAt = performance.now();
        }
        yieldedAt = performance.now();
      }
    }
    await batch;
    return this.finish();
  }

  /** With several ranks: buckets of gradients that travelled while the last backward pass went on. */
  get overlappedBuckets(): number {
    return this.parallel?.overlappedBuckets ?? 0;
  }

  /** Frees the optimiser and the average; the model stays. */
  dispose(): void {
    forgetReplays(this.inputs.model);
    this.parallel?.dispose();
    this.optimizer.dispose();
    this.average?.dispose();
  }

  /** A failure shows when the batch is awaited, not while the step before it runs. */
  private prefetch(position: SequencePosition): Promise<HostBatch> {
    return deferRejection(nextBatch(this.batches, position));
  }

  /** Ranks stop after the same step: the one by whose end some rank had been told. */
  private isStopped(): boolean {
    return this.ranks ? this.ranks.stopAgreed : (this.inputs.signal?.aborted ?? false);
  }

  private get ranks(): DataParallel | Diloco | null {
    return this.parallel ?? this.diloco;
  }

  /** What ranks that step alone do after a step; true when this one was left out and goes on somewhere else. */
  private async exchange(diloco: Diloco): Promise<boolean> {
    const step = await diloco.afterStep(this.step);
    if (step === this.step) return false;
    const { batchSize } = this.inputs.config.training;
    const from = step > this.step ? this.position : this.order.start();
    const count = step > this.step ? step - this.step : step;
    this.position = this.order.draw(from, count * batchSize).next;
    this.step = step;
    return true;
  }

  private async launch(batch: HostBatch): Promise<LaunchedStep> {
    const { config, model } = this.inputs;
    const { training, optimizer } = config;
    const lrRatio = this.schedule(this.step);
    const controls = { lrRatio, ...this.ledger.controls() };
    const options = { ...training, clipNorm: optimizer.clipNorm };
    const launchedAt = performance.now();
    const numbers = this.parallel
      ? Promise.resolve(await this.parallel.step(batch, options, controls))
      : trainingStep(model, this.optimizer, batch, options, controls, this.diloco?.onGradient);
    this.average?.update();
    this.step++;
    this.position = batch.next;
    return this.ledger.add({
      step: this.step,
      learningRate: lrRatio * optimizer.lr,
      lossLimit: controls.lossLimit,
      launchedAt,
      numbers,
    });
  }

  /** Settles all but `count` launched steps; true when a guard took the run back to a checkpoint. */
  private async settleDownTo(count: number): Promise<boolean> {
    while (this.ledger.inFlight > count) {
      if ((await this.ledger.settleOldest()) === 'rollback') {
        await this.rollBack();
        return true;
      }
    }
    return false;
  }

  private isDue(every: number | null): boolean {
    if (every === null) return false;
    return this.step % every === 0 || this.step === this.inputs.config.training.steps;
  }

  private async evaluate(): Promise<Record<string, number>> {
    const { heldOut, model, config, T, inspect, separator } = this.inputs;
    const collective = this.diloco ? null : this.inputs.collective;
    if (this.diloco && !isFirst(this.inputs.collective)) return {};
    const isLast = this.step === config.training.steps;
    const result = await evaluateDomains(model, heldOut, {
      T,
      stride: Math.max(1, Math.round(T * config.evaluation.strideShare)),
      B: config.evaluation.batchSize,
      maxTokens: isLast ? Infinity : config.evaluation.maxTokens,
      separator,
      collective,
    });
    const { heldOutLoss } = result;
    if (inspect && isFirst(collective)) Object.assign(result, await inspect(this.step));
    if (heldOutLoss < (this.best?.heldOutLoss ?? Infinity)) this.best = { step: this.step, heldOutLoss };
    return result;
  }

  private async save(): Promise<void> {
    const unsettled = await this.ledger.unsettled();
    await this.ledger.flush();
    const { lossScale, guard } = this.ledger.state;
    const { step, position, best } = this;
    const { stepCount: optimizerSteps, laggingStepCounts } = this.optimizer;
    const laggingSteps = this.parallel ? await this.parallel.laggingStepCounts() : laggingStepCounts;
    const lagging = Object.keys(laggingSteps).length > 0 ? { laggingSteps } : {};
    const optimizer = this.parallel ? await this.parallel.optimizerState() : this.optimizer.state();
    const residuals = (await this.parallel?.residuals()) ?? {};
    const own = { optimizerSteps, ...lagging, lossScale, guard, unsettled };
    if (!isFirst(this.inputs.collective)) {
      await this.diloco?.sendState(step, prefixed(this.liveTensors()), own);
      return;
    }
    const plannedSteps = this.inputs.config.training.steps;
    const files: Record<string, Readonly<Record<string, SafetensorsInput>>> = { ...this.liveTensors(), optimizer };
    if (Object.keys(residuals).length > 0) files['residuals'] = residuals;
    const state: TrainingState = { step, plannedSteps, ...own, position, best };
    await this.keeper.save(this.diloco ? await this.withOtherRanks(this.diloco, state, files) : state, files);
  }

  /**
   * Saves what the first rank has without any other: its weights and optimiser are of the last whole step, for a step changes them
   * only when all ranks have come. What coding has left out of the others' gradients is lost.
   */
  private async saveAlone(): Promise<void> {
    const { inputs, step, position, best } = this;
    const { training, checkpoint } = inputs.config;
    const isWhole = this.parallel !== null && !training.shardOptimizer;
    if (!isWhole || !isFirst(inputs.collective) || step === 0 || checkpoint.every === null) return;
    try {
      const { lossScale, guard } = this.ledger.state;
      const unsettled = await this.ledger.unsettled();
      await this.ledger.flush();
      const { stepCount: optimizerSteps, laggingStepCounts } = this.optimizer;
      const lagging = Object.keys(laggingStepCounts).length > 0 ? { laggingSteps: laggingStepCounts } : {};
      const own = { optimizerSteps, ...lagging, lossScale, guard, unsettled };
      await this.keeper.save({ step, plannedSteps: training.steps, ...own, position, best }, this.liveTensors());
      await this.keeper.finish();
    } catch (error) {
      // Why the run ends matters more; the checkpoints before this one are as they were.
      const why = error instanceof Error ? error.message : String(error);
      inputs.listener?.({ kind: 'warning', message: `train: step ${step} could not be saved: ${why}` });
    }
  }

  /** Adds to a checkpoint what the other ranks have, and the exchange between them. */
  private async withOtherRanks(
    diloco: Diloco,
    state: TrainingState,
    files: Record<string, Readonly<Record<string, SafetensorsInput>>>,
  ): Promise<TrainingState> {
    const outer = await diloco.outerState();
    files['outer'] = outer.tensors;
    const others: Record<string, RankTrainingState> = {};
    for (const [rank, { tensors, state: own }] of await diloco.gatherStates(state.step)) {
      files[`rank-${rank}`] = tensors;
      others[rank] = own as RankTrainingState;
    }
    return { ...state, diloco: { ...outer.state, others } };
  }

  /** What a checkpoint holds of this rank, by file. */
  private liveTensors(): Record<string, Readonly<Record<string, Tensor>>> {
    const files = { model: this.inputs.model.parameters(), optimizer: this.optimizer.state() };
    return this.average ? { ...files, ema: this.average.tensors } : files;
  }

  private async restore(checkpoint: Checkpoint, position: SequencePosition): Promise<void> {
    const { state, files } = checkpoint;
    if (this.diloco) return this.restoreRank(this.diloco, checkpoint, position);
    const isSharded = this.parallel !== null && this.inputs.config.training.shardOptimizer;
    for (const [name, tensors] of Object.entries(this.liveTensors())) {
      const others = name === 'optimizer' && isSharded ? 'ignore' : 'refuse';
      restoreTensors(tensors, files[`${name}.safetensors`] ?? new Uint8Array(), `${name}.safetensors`, others);
    }
    const residuals = files['residuals.safetensors'];
    this.parallel?.restoreResiduals(residuals ? readSafetensors(residuals).tensors : new Map());
    await this.takeUp(state, state, position);
  }

  /** @param own what this rank has of its own */
  private async takeUp(state: TrainingState, own: RankTrainingState, position: SequencePosition): Promise<void> {
    this.optimizer.loadState(this.optimizer.state(), own.optimizerSteps, own.laggingSteps);
    this.step = state.step;
    this.position = position;
    this.best = state.best;
    this.ledger.restore(own);
    if (isFirst(this.inputs.collective)) {
      await this.ledger.forgetAfter(state.step - own.unsettled.length);
    }
  }

  /** Rank `r` goes on as rank `r mod n` of the `n` that were saved, or as rank 0 where that one was left out. */
  private async restoreRank(diloco: Diloco, { state, files }: Checkpoint, position: SequencePosition): Promise<void> {
    if (state.diloco === undefined || files['outer.safetensors'] === undefined) {
      throw new CheckpointError(
        'checkpoint: outer.safetensors must be there for a run with training.sync diloco, it is not. Was it saved with another sync?',
      );
    }
    const saved = (this.inputs.collective?.rank ?? 0) % state.diloco.ranks;
    const others = state.diloco.others[saved];
    const outer = readSafetensors(files['outer.safetensors']).tensors;
    if (others === undefined) {
      for (const [name, tensors] of Object.entries(this.liveTensors())) {
        restoreTensors(tensors, files[`${name}.safetensors`] ?? new Uint8Array(), `${name}.safetensors`);
      }
      await diloco.restore(state.step, state.diloco, outer, outer);
      return this.takeUp(state, state, position);
    }
    const file = `rank-${saved}.safetensors`;
    const live = prefixed(this.liveTensors());
    // The exchange's own tensors lie there too.
    restoreTensors(live, files[file], file, 'ignore');
    await diloco.restore(state.step, state.diloco, outer, readSafetensors(files[file]).tensors);
    return this.takeUp(state, others, position);
  }

  /** Back to the newest checkpoint's weights, on with the data after the bad batch. */
  private async rollBack(): Promise<void> {
    await this.ledger.discard();
    await this.ledger.flush();
    await this.keeper.finish();
    await this.inputs.collective?.barrier();
    const checkpoint = await readLatestCheckpoint(this.inputs.storage, { upTo: this.step });
    if (!checkpoint) throw this.ledger.stopped('there is no checkpoint to roll back to');
    const { guard } = this.ledger.state;
    await this.restore(checkpoint, this.position);
    this.ledger.keepEvents(guard.events);
  }

  private async finish(): Promise<RunSummary> {
    const { config, listener = () => {} } = this.inputs;
    const interrupted = this.step < config.training.steps;
    try {
      if (interrupted && this.step > 0 && config.checkpoint.every !== null) await this.save();
      await this.settleDownTo(0);
      await this.ledger.flush();
      await this.keeper.finish();
    } finally {
      await this.diloco?.end();
    }
    listener({ kind: 'end', step: this.step, interrupted });
    const absentRanks = this.diloco?.absent ?? [];
    return { step: this.step, interrupted, absentRanks, ...this.ledger.last };
  }
}

/** Whether this is the rank that logs and saves. */
function isFirst(collective: Collective | null | undefined): boolean {
  return (collective?.rank ?? 0) === 0;
}

/** Tensors of several files as those of one. */
function prefixed(files: Readonly<Record<string, Readonly<Record<string, Tensor>>>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(files).flatMap(([file, tensors]) =>
      Object.entries(tensors).map(([name, tensor]): [string, Tensor] => [`${file}/${name}`, tensor]),
    ),
  );
}
