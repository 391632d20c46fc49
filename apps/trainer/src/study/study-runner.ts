import { join } from 'node:path';
import { type RawConfig, type StudyRun, sequenceLength } from '@modajs/train';
import { FolderStorage } from '@modajs/train/node';
import { type ResolvedRun, resolveRun } from './check-study.ts';
import { type PlannedRun, planRuns } from './plan-runs.ts';
import type { StudyClock } from './study-clock.ts';
import type { Study } from './study-file.ts';
import type { StudyProgress, StudyState } from './study-progress.ts';
import { readResult, requireSameSettings, settingsDifference, unmeasured, writeResult } from './study-results.ts';
import { WorkerProcess } from './worker-process.ts';

/** What is run. */
export interface RunnerInputs {
  readonly study: Study;
  readonly base: RawConfig;
  readonly vocabSize: number;
  readonly folder: string;
  readonly preset: string;
}

/** How. */
export interface RunnerOptions {
  readonly jobs: number;
  readonly only?: string;
  readonly retry?: boolean;
  readonly progress: StudyProgress;
  readonly clock: StudyClock;
  readonly onEnded: () => void;
}

/** Hands the runs of a study to workers in order of priority and keeps account of what has ended. */
export class StudyRunner {
  private readonly running = new Map<string, { readonly run: PlannedRun; step: number; steps: number }>();
  private readonly workers = new Set<WorkerProcess>();
  private readonly resting: (() => void)[] = [];
  private isStopping = false;

  private constructor(
    private readonly inputs: RunnerInputs,
    private readonly options: RunnerOptions,
    private readonly endedRuns: Map<string, StudyRun>,
  ) {}

  /** Reads what has ended. @throws DataError when a result was made with other settings than the file's */
  static async open(inputs: RunnerInputs, options: RunnerOptions): Promise<StudyRunner> {
    const ended = new Map<string, StudyRun>();
    // Results decide which further runs there are.
    for (let isNew = true; isNew; ) {
      isNew = false;
      for (const run of planRuns(inputs.study, ended).ready) {
        const result = await readResult(join(inputs.folder, run.key));
        if (result === null || (options.retry && result.status === 'failed')) continue;
        requireSameSettings(result, resolveRun(inputs.base, run, inputs.vocabSize));
        ended.set(run.key, result);
        options.clock.add(result);
        isNew = true;
      }
    }
    return new StudyRunner(inputs, options, ended);
  }

  /** Everything that has ended, in the order of the file. */
  results(): StudyRun[] {
    const { phases, variants } = this.inputs.study;
    const places = (run: StudyRun): number[] => [
      phases.findIndex(({ name }) => name === run.phase),
      variants.findIndex(({ id }) => id === run.variant),
      ...Object.values(run.values).map(Number),
      run.seed,
    ];
    return [...this.endedRuns.values()]
      .map((run) => ({ run, at: places(run) }))
      .sort((a, b) => a.at.map((place, i) => place - b.at[i]).find((difference) => difference !== 0) ?? 0)
      .map(({ run }) => run);
  }

  /** Runs until nothing is left that may start. @throws ConfigError, DataError when no run can start */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => {
      this.isStopping = true;
      for (const worker of this.workers) worker.interrupt();
      this.wake();
    });
    const { jobs } = this.options;
    try {
      await Promise.all(Array.from({ length: jobs }, (_, job) => this.work(job)));
    } finally {
      this.isStopping = true;
      await Promise.all([...this.workers].map((worker) => worker.close()));
    }
  }

  private async work(job: number): Promise<void> {
    const { folder, preset, study } = this.inputs;
    let worker: WorkerProcess | null = null;
    for (;;) {
      const run = await this.next();
      if (run === null) return;
      if (!worker?.canRun) {
        worker = new WorkerProcess({ folder, preset, measure: study.measure, job, jobs: this.options.jobs });
        this.workers.add(worker);
      }
      await this.runIn(worker, run);
      if (!worker.canRun) this.workers.delete(worker);
    }
  }

  private async runIn(worker: WorkerProcess, run: PlannedRun): Promise<void> {
    const { progress, clock, onEnded } = this.options;
    const entry = this.running.get(run.key)!;
    worker.onStep = ({ step }) => {
      entry.step = step;
      progress.show(this.state());
    };
    try {
      const startedAt = performance.now();
      const outcome = await worker.run(run);
      if (outcome.kind === 'interrupted' || (outcome.kind === 'died' && this.isStopping)) return;
      const result =
        outcome.kind === 'ended'
          ? outcome.result
          : unmeasured(run, this.resolve(run), { status: 'failed', error: outcome.message, startedAt });
      if (outcome.kind === 'died') await writeResult(new FolderStorage(join(this.inputs.folder, run.key)), result);
      this.endedRuns.set(run.key, result);
      this.running.delete(run.key);
      clock.add(result);
      progress.ended(result, this.state());
      onEnded();
    } finally {
      this.running.delete(run.key);
      this.wake();
    }
  }

  /** The next run that may start; waits while runs in progress may make one; null when there is none. */
  private async next(): Promise<PlannedRun | null> {
    while (!this.isStopping) {
      await this.adoptTwins();
      const run = this.open().ready.find((one) => this.options.clock.fits(one.variant, this.tokensOf(one)));
      if (run) {
        this.running.set(run.key, { run, step: 0, steps: this.resolve(run).config.training.steps });
        return run;
      }
      if (this.running.size === 0) return null;
      await new Promise<void>((resolve) => this.resting.push(resolve));
    }
    return null;
  }

  /** A run that another phase has done already, to the last setting, is not done again: its result is taken over. */
  private async adoptTwins(): Promise<void> {
    for (const run of this.open().ready) {
      const resolved = this.resolve(run);
      const twin = [...this.endedRuns.values()].find(
        (one) => one.variant === run.variant && one.status === 'finished' && settingsDifference(one, resolved) === null,
      );
      if (!twin) continue;
      const result = { ...twin, key: run.key, phase: run.phase };
      this.endedRuns.set(run.key, result);
      await writeResult(new FolderStorage(join(this.inputs.folder, run.key)), result);
    }
  }

  private wake(): void {
    for (const resolve of this.resting.splice(0)) resolve();
  }

  /** What is left, without the runs in progress and those that were not asked for. */
  private open(): ReturnType<typeof planRuns> {
    const { ready, waiting } = planRuns(this.inputs.study, this.endedRuns);
    const isWanted = ({ key }: PlannedRun): boolean =>
      !this.running.has(key) && (this.options.only === undefined || key.includes(this.options.only));
    return { ready: ready.filter(isWanted), waiting: waiting.filter(isWanted) };
  }

  private resolve(run: PlannedRun): ResolvedRun {
    return resolveRun(this.inputs.base, run, this.inputs.vocabSize);
  }

  private tokensOf(run: PlannedRun): number {
    const { config, model } = this.resolve(run);
    return config.training.steps * config.training.batchSize * sequenceLength(config, model);
  }

  private state(): StudyState {
    const { clock, jobs } = this.options;
    const { ready, waiting } = this.open();
    const left = [...ready, ...waiting].map((run) => clock.estimate(run.variant, this.tokensOf(run)));
    const running = [...this.running.values()].map(({ run, step, steps }) => {
      const all = clock.estimate(run.variant, this.tokensOf(run));
      return all === null ? null : all * (1 - step / steps);
    });
    const seconds = [...left, ...running];
    return {
      ended: this.endedRuns.size,
      total: this.endedRuns.size + this.running.size + left.length,
      secondsLeft: seconds.includes(null) ? null : seconds.reduce<number>((sum, one) => sum + one!, 0) / jobs,
      running: [...this.running.values()].map(({ run, step, steps }) => ({ key: run.key, step, steps })),
    };
  }
}
