import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Decoder } from '@modajs/models';
import { type Device, ModaError } from '@modajs/tensor';
import { TokenizerError } from '@modajs/tokenizer';
import {
  type HeldOutText,
  type MetricsRow,
  measurePeakFlops,
  ownSpecialTokens,
  prepareModelConfig,
  type RawConfig,
  type RunConfig,
  type RunSummary,
  type StudyLoss,
  type StudyRun,
  sequenceLength,
  TrainingStoppedError,
} from '@modajs/train';
import { FolderStorage, selectGpuOfRank } from '@modajs/train/node';
import { loadPreset } from '../run/load-config.ts';
import { openDevice } from '../run/open-device.ts';
import { createModel, type PreparedRun } from '../run/prepare-run.ts';
import { CONFIG_FILE } from '../run/run-folder.ts';
import { trainPrepared } from '../run/train-prepared.ts';
import { resolveRun, studyBase } from './check-study.ts';
import { ModelMeasures, measureAttention } from './measure-model.ts';
import type { PlannedRun } from './plan-runs.ts';
import { inputsOf, readStudyData, type StudyData } from './study-inputs.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './study-protocol.ts';
import { unmeasured, writeResult } from './study-results.ts';

/** Points of a kept curve. */
const CURVE_POINTS = 300;

/**
 * The process that trains runs of a study, one after another on one device: data, kernels and tasks are there once. It ends when
 * its parent does.
 */
export function runStudyWorker(): Promise<void> {
  const send = (message: FromWorker): void => void process.send!(message);
  let worker: Promise<StudyWorker> | null = null;
  // Ctrl-C reaches the whole group of processes; the parent decides.
  process.on('SIGINT', () => {});
  process.on('disconnect', () => process.exit(1));
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'setup') worker = StudyWorker.open(message.setup, send);
    else if (message.kind === 'run') void worker?.then((one) => one.run(message.run));
    else void worker?.then((one) => one.stop());
    worker?.catch((error: unknown) => {
      if (!isForeseen(error)) throw error;
      process.send!({ kind: 'refused', message: (error as Error).message } satisfies FromWorker, () => process.exit(2));
    });
  });
  return new Promise(() => {});
}

function isForeseen(error: unknown): boolean {
  return error instanceof ModaError || error instanceof TokenizerError;
}

/** Workers share the machine's cores; null leaves a lone one all. */
function coresOf({ jobs }: WorkerSetup): number | null {
  return jobs === 1 ? null : Math.max(1, Math.floor(availableParallelism() / jobs));
}

class StudyWorker {
  private readonly interrupt = new AbortController();
  private opened: { readonly key: string; readonly device: Device; readonly peakFlops: Map<string, number> } | null =
    null;
  private data: { readonly key: string; readonly data: StudyData } | null = null;

  private constructor(
    private readonly setup: WorkerSetup,
    private readonly base: RawConfig,
    private readonly measures: ModelMeasures,
    private readonly send: (message: FromWorker) => void,
  ) {}

  static async open(setup: WorkerSetup, send: (message: FromWorker) => void): Promise<StudyWorker> {
    await selectGpuOfRank({ localRank: setup.job, localSize: setup.jobs });
    const base = studyBase(await loadPreset(setup.preset));
    const measures = await ModelMeasures.open(setup.measure);
    return new StudyWorker(setup, base, measures, send);
  }

  stop(): void {
    this.interrupt.abort();
  }

  /** Trains one run, measures its model, and keeps the result. A process in which a run failed ends: its device may be lost. */
  async run(planned: PlannedRun): Promise<void> {
    const startedAt = performance.now();
    const storage = new FolderStorage(join(this.setup.folder, planned.key));
    const record = new RunRecord();
    let outcome: Partial<StudyRun> = {};
    let status: StudyRun['status'] = 'finished';
    let error: string | null = null;
    try {
      const done = await this.trainAndMeasure(planned, storage, record);
      if (done === null) return this.send({ kind: 'interrupted' });
      outcome = done;
      if (done.heldOut === null) status = 'diverged';
    } catch (thrown) {
      status = thrown instanceof TrainingStoppedError ? 'diverged' : 'failed';
      error = thrown instanceof Error ? (isForeseen(thrown) ? thrown.message : `${thrown.stack}`) : String(thrown);
    }
    const resolved = resolveRun(this.base, planned, this.data?.data.tokenizer.vocabSize ?? 0);
    const blank = unmeasured(planned, resolved, { status, error, startedAt });
    const result: StudyRun = {
      ...blank,
      inputs: this.data === null ? null : inputsOf(resolved.config, resolved.model, this.data.data),
      ...record.numbers(),
      ...outcome,
      seconds: { ...blank.seconds, ...outcome.seconds, total: blank.seconds.total },
      device: this.opened?.device.toString() ?? '',
    };
    await writeResult(storage, result);
    this.send({ kind: 'ended', result });
    if (status === 'failed') process.exit(3);
  }

  private async trainAndMeasure(
    planned: PlannedRun,
    storage: FolderStorage,
    record: RunRecord,
  ): Promise<Partial<StudyRun> | null> {
    const unprepared = resolveRun(this.base, planned, 0).config;
    const { tokenizer, tokenizerJson, data } = await this.dataOf(unprepared);
    const { device, peakFlops } = await this.deviceOf(unprepared);
    const config = { ...unprepared, logging: { ...unprepared.logging, peakFlops } };
    const model = prepareModelConfig(config, tokenizer.vocabSize);
    const resumes = config.checkpoint.every !== null && (await storage.exists(CONFIG_FILE));
    if (!resumes) await storage.remove('');
    const special = ownSpecialTokens(tokenizer);
    const text = { tokenizer, tokenizerJson, special, chat: null, origin: null };
    const prepared = { config, model, ...text, sources: [], folder: storage.location, resumes };
    const decoder = createModel(prepared, device);
    try {
      const trainingFrom = performance.now();
      let shownAt = 0;
      const summary = await trainPrepared(prepared, decoder, storage, {
        data,
        signal: this.interrupt.signal,
        listener: (event) => {
          if (event.kind === 'warning') return console.error(`warning: ${planned.key}: ${event.message}`);
          if (event.kind !== 'step') return;
          record.add(event.row, event.steps);
          if (performance.now() - shownAt < 500) return;
          shownAt = performance.now();
          const { step, tokensPerSecond = 0 } = event.row;
          this.send({ kind: 'step', step, steps: event.steps, tokensPerSecond });
        },
      });
      if (summary.interrupted) return null;
      const measuringFrom = performance.now();
      const heldOut = heldOutOf(summary);
      const measured = heldOut === null ? {} : await this.measure(decoder, prepared, data.heldOut);
      const seconds = {
        training: (measuringFrom - trainingFrom) / 1000,
        evaluation: (performance.now() - measuringFrom) / 1000,
        total: 0,
      };
      return { heldOut, ...measured, seconds };
    } finally {
      decoder.dispose();
    }
  }

  /** A trained model's loss is kept when measuring it further fails; the error says why the rest is missing. */
  private async measure(
    decoder: Decoder,
    { config, model, tokenizer }: Pick<PreparedRun, 'config' | 'model' | 'tokenizer'>,
    heldOut: readonly HeldOutText[],
  ): Promise<Partial<StudyRun>> {
    const T = sequenceLength(config, model);
    try {
      const depth = await measureAttention(decoder, heldOut, T);
      return { depth, measures: await this.measures.run(decoder, tokenizer) };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown.message : String(thrown);
      console.error(`warning: ${error}`);
      return { error };
    }
  }

  /** The data of the run before, when this one reads the same. */
  private async dataOf(config: RunConfig): Promise<StudyData> {
    const key = JSON.stringify([config.data, config.tokenizer]);
    if (this.data?.key !== key) this.data = { key, data: await readStudyData(config) };
    return this.data.data;
  }

  private async deviceOf(config: RunConfig): Promise<{ device: Device; peakFlops: number }> {
    const { device: name, threads, training, logging } = config;
    const key = `${name} ${threads}`;
    if (this.opened?.key !== key) {
      this.opened?.device.destroy();
      const shared = threads ?? coresOf(this.setup);
      this.opened = { key, device: await openDevice({ device: name, threads: shared }), peakFlops: new Map() };
    }
    const { device, peakFlops } = this.opened;
    const peak = logging.peakFlops ?? peakFlops.get(training.dtype) ?? (await measurePeakFlops(device, training.dtype));
    peakFlops.set(training.dtype, peak);
    return { device, peakFlops: peak };
  }
}

/** The last evaluation; null when it is not finite. */
function heldOutOf({
  heldOutLoss: loss,
  heldOutBitsPerByte: bitsPerByte,
  heldOutBySource,
}: RunSummary): StudyLoss | null {
  if (loss === null || bitsPerByte === null || !Number.isFinite(loss)) return null;
  return { loss, bitsPerByte, corpora: Object.fromEntries(heldOutBySource.map(({ source, ...own }) => [source, own])) };
}

/** What a run logs, kept small. */
class RunRecord {
  private readonly curve: [number, number][] = [];
  private readonly heldOutCurve: [number, number][] = [];
  private readonly speeds: number[] = [];
  private deviceBytes = 0;
  private sum = 0;
  private count = 0;
  private last: MetricsRow | null = null;

  add(row: MetricsRow, steps: number): void {
    this.last = row;
    this.speeds.push(row.tokensPerSecond ?? 0);
    this.deviceBytes = Math.max(this.deviceBytes, Number(row.deviceBytes ?? 0));
    if (row.heldOutLoss !== undefined) {
      this.heldOutCurve.push([row.step, row.heldOutLoss]);
    }
    this.sum += row.loss ?? Number.NaN;
    this.count++;
    if (row.step % Math.ceil(steps / CURVE_POINTS) !== 0 && row.step !== steps) return;
    this.curve.push([row.step, this.sum / this.count]);
    this.sum = 0;
    this.count = 0;
  }

  numbers(): Pick<StudyRun, 'steps' | 'loss' | 'curve' | 'heldOutCurve' | 'tokensPerSecond' | 'deviceBytes'> {
    const { last, curve, heldOutCurve, speeds, deviceBytes } = this;
    return {
      steps: last?.step ?? 0,
      loss: last?.loss ?? null,
      curve,
      heldOutCurve,
      tokensPerSecond: speeds.length === 0 ? null : speeds.toSorted((a, b) => a - b)[speeds.length >> 1],
      deviceBytes: last === null ? null : deviceBytes,
    };
  }
}
