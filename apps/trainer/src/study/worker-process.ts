import { type ChildProcess, fork } from 'node:child_process';
import { ConfigError } from '@modajs/tensor';
import type { StudyRun } from '@modajs/train';
import type { PlannedRun } from './plan-runs.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './study-protocol.ts';

/** The command that makes this program a worker; it is not listed. */
export const WORKER_COMMAND = 'study-worker';
/** Characters of a dead worker's error output that are kept. */
const KEPT_ERROR = 2000;

/** How a run in a worker ended: a result, an interruption, or the worker's own death, with what it last wrote. */
export type WorkerOutcome =
  | { readonly kind: 'ended'; readonly result: StudyRun }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'died'; readonly message: string };

/** A child process that trains runs one after another. */
export class WorkerProcess {
  private readonly child: ChildProcess;
  private errors = '';
  private isAlive = true;
  private settle: ((outcome: WorkerOutcome | Error) => void) | null = null;
  onStep: (step: Extract<FromWorker, { kind: 'step' }>) => void = () => {};

  constructor(setup: WorkerSetup) {
    this.child = fork(process.argv[1], [WORKER_COMMAND], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(text);
      this.errors = (this.errors + text).slice(-KEPT_ERROR);
    });
    this.child.on('message', (message: FromWorker) => this.receive(message));
    this.child.on('close', (code, signal) => {
      this.isAlive = false;
      this.finish({
        kind: 'died',
        message: `the process ended with ${signal ?? `code ${code}`}. ${this.errors}`.trim(),
      });
    });
    this.send({ kind: 'setup', setup });
  }

  /** False once the process has ended: a new one is needed. */
  get canRun(): boolean {
    return this.isAlive;
  }

  /** @throws ConfigError when the worker cannot run any: what it measures with is missing */
  async run(run: PlannedRun): Promise<WorkerOutcome> {
    const outcome = await new Promise<WorkerOutcome | Error>((resolve) => {
      this.settle = resolve;
      this.send({ kind: 'run', run });
    });
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  /** Ends the run in progress, with a checkpoint when it has some. */
  interrupt(): void {
    this.send({ kind: 'stop' });
  }

  /** Ends the process; resolves when it is gone. */
  async close(): Promise<void> {
    if (!this.isAlive) return;
    const gone = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill('SIGKILL');
    await gone;
  }

  private send(message: ToWorker): void {
    if (this.isAlive && this.child.connected) this.child.send(message);
  }

  private receive(message: FromWorker): void {
    if (message.kind === 'step') this.onStep(message);
    else if (message.kind === 'refused') this.finish(new ConfigError(message.message));
    else {
      // A worker whose run failed is about to end.
      if (message.kind === 'ended' && message.result.status === 'failed') this.isAlive = false;
      this.finish(message);
    }
  }

  private finish(outcome: WorkerOutcome | Error): void {
    this.settle?.(outcome);
    this.settle = null;
  }
}
