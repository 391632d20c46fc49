import type { StudyRun } from '@modajs/train';
import { duration } from '../terminal/format.ts';
import type { ProgressOutput } from '../terminal/progress.ts';

/** A live line is redrawn at most this often. */
const REDRAW_INTERVAL_MS = 200;

/** What a study's progress shows. */
export interface StudyState {
  readonly ended: number;
  /** Known so far: phases may grow. */
  readonly total: number;
  /** Seconds until all is done; null before the first run has ended. */
  readonly secondsLeft: number | null;
  /** Runs in progress with their share done. */
  readonly running: readonly { readonly key: string; readonly step: number; readonly steps: number }[];
}

/** One line for the study as a whole, live on a terminal; a line of its own for each run that starts or ends. */
export class StudyProgress {
  private redrawnAt = 0;
  private isLive = false;

  constructor(private readonly output: ProgressOutput) {}

  line(text: string): void {
    if (this.isLive) this.output.write('\r\x1b[2K');
    this.isLive = false;
    this.output.write(`${text}\n`);
  }

  ended(result: StudyRun, state: StudyState): void {
    const { key, status, heldOut, seconds, error, tokensPerSecond } = result;
    const how =
      status === 'finished' ? `held-out loss ${heldOut!.loss.toFixed(4)}` : `${status}: ${error ?? 'loss not finite'}`;
    const speed = tokensPerSecond === null ? '' : `, ${Math.round(tokensPerSecond).toLocaleString('en')} tok/s`;
    this.line(`${key}  ${how.split('\n')[0]}, ${duration(1000 * seconds.total)}${speed}  (${overall(state)})`);
  }

  /** Redraws the live line; nothing where output is no terminal. */
  show(state: StudyState): void {
    const now = performance.now();
    if (!this.output.isTTY || now - this.redrawnAt < REDRAW_INTERVAL_MS) return;
    this.redrawnAt = now;
    const runs = state.running.map(({ key, step, steps }) => `${key} ${step}/${steps}`);
    const text = [overall(state), ...runs].join('  ');
    this.output.write(`\r\x1b[2K${text.slice(0, (this.output.columns ?? 120) - 1)}`);
    this.isLive = true;
  }
}

function overall({ ended, total, secondsLeft }: StudyState): string {
  const left = secondsLeft === null ? '' : `, ${duration(1000 * secondsLeft)} left`;
  return `${ended} of ${total} runs${left}`;
}
