import type { MetricsRow, RunEvent } from '@modajs/train';
import { bytes, compact, duration } from './format.ts';
import { type StyledOutput, styled } from './styled.ts';

/** Plain output shows about this many step lines in a run. */
const PLAIN_LINES = 40;
/** Steps that the speed and the time left are averaged over. */
const AVERAGED_STEPS = 20;
/** Of a line that is not on a terminal. */
const COLUMNS = 80;
/** A live line is redrawn at most this often. */
const REDRAW_INTERVAL_MS = 100;

/** Where lines go; `process.stdout` is one. */
export interface ProgressOutput extends StyledOutput {
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows a run: one live line on a terminal, else plain lines at fixed steps. Events of other kinds get lines of their own. */
export class Progress {
  private readonly stepTimes: number[] = [];
  private redrawnAt = 0;
  private hasLiveLine = false;

  constructor(private readonly output: ProgressOutput) {}

  /** A `RunListener`. */
  readonly listener = (event: RunEvent): void => {
    if (event.kind === 'step') this.showStep(event.row, event.steps);
    else if (event.kind === 'evaluation' && event.row.heldOutLoss !== undefined) {
      this.line(evaluationLine(event.row, event.steps));
    } else if (event.kind === 'warning') this.warn(event.message);
    else if (event.kind === 'start' && event.resumed) this.line(`resumed after step ${event.step} of ${event.steps}`);
    else if (event.kind === 'end' && event.interrupted) this.line(`interrupted after step ${event.step}; saved`);
  };

  /** A line of its own above the live line. */
  line(text: string): void {
    this.clearLive();
    this.output.write(`${text}\n`);
  }

  /** A warning, as a line of its own. */
  warn(message: string): void {
    this.line(`${styled(this.output, 'yellow', 'warning:')} ${message}`);
  }

  private showStep(row: MetricsRow, steps: number): void {
    this.stepTimes.push(row.timeMs ?? 0);
    if (this.stepTimes.length > AVERAGED_STEPS) this.stepTimes.shift();
    const stepMs = this.stepTimes.reduce((sum, time) => sum + time, 0) / this.stepTimes.length;
    // A terminal's last column would break the line.
    const columns = this.output.isTTY ? (this.output.columns ?? COLUMNS) - 1 : COLUMNS;
    const text = stepLine(row, steps, stepMs, columns);
    if (!this.output.isTTY) {
      const every = Math.max(1, Math.ceil(steps / PLAIN_LINES));
      if (row.step <= 5 || row.step % every === 0 || row.step === steps) this.output.write(`${text}\n`);
      return;
    }
    const now = performance.now();
    if (now - this.redrawnAt < REDRAW_INTERVAL_MS && row.step !== steps) return;
    this.redrawnAt = now;
    this.output.write(`\r\x1b[2K${text.slice(0, columns)}`);
    this.hasLiveLine = true;
  }

  private clearLive(): void {
    if (this.hasLiveLine) this.output.write('\r\x1b[2K');
    this.hasLiveLine = false;
  }
}

/** A part of a step's line. */
interface LinePart {
  readonly text: string;
  /** Parts that do not fit are left out, those of the largest number first; parts without one always stand. */
  readonly rank?: number;
}

/** One step for people, in `columns` where the parts of one process allow it; the loss with enough digits to compare runs by eye. */
export function stepLine(row: MetricsRow, steps: number, stepMs: number, columns = COLUMNS): string {
  const width = String(steps).length;
  const { modelGflopsPerSecond: gflops, utilizationPercent: utilization, skippedSteps: skipped } = row;
  const parts: LinePart[] = [
    { text: `step ${String(row.step).padStart(width)}/${steps}` },
    { text: `loss ${(row.loss ?? Number.NaN).toFixed(4)}` },
    { text: `norm ${(row.gradientNorm ?? Number.NaN).toFixed(3)}`, rank: 1 },
    { text: `lr ${(row.learningRate ?? 0).toExponential(2)}` },
    { text: `${compact(row.tokensPerSecond ?? 0)} tok/s` },
    ...(typeof gflops === 'number' ? [{ text: `${compact(gflops * 1e9)}FLOP/s`, rank: 4 }] : []),
    ...(typeof utilization === 'number' ? [{ text: `${utilization.toFixed(1)} % of peak`, rank: 2 }] : []),
    { text: `memory ${bytes(Number(row.deviceBytes ?? 0))}`, rank: 3 },
    ...(typeof skipped === 'number' && skipped > 0 ? [{ text: `skipped ${skipped}` }] : []),
    ...communicationParts(row).map((text) => ({ text })),
    { text: `left ${duration((steps - row.step) * stepMs)}` },
  ];
  const line = (last: number): string => parts.flatMap(({ text, rank = 0 }) => (rank <= last ? [text] : [])).join('  ');
  const fitting = [4, 3, 2, 1].find((last) => line(last).length <= columns);
  return line(fitting ?? 0);
}

/** Of several ranks: what a step sends, how long communication was hidden behind training and how long training waited. */
function communicationParts({ sentBytes, communicationHiddenMs, communicationWaitedMs }: MetricsRow): string[] {
  if (sentBytes === undefined) return [];
  const seconds = (ms = 0): string => `${(ms / 1000).toFixed(3)} s`;
  return [
    `sent ${bytes(sentBytes)}`,
    `hidden ${seconds(communicationHiddenMs)}`,
    `waited ${seconds(communicationWaitedMs)}`,
  ];
}

function evaluationLine(row: MetricsRow, steps: number): string {
  const domains = Object.entries(row)
    .filter(([name]) => name.startsWith('heldOutBitsPerByte/'))
    .map(([name, value]) => `${name.slice('heldOutBitsPerByte/'.length)} ${Number(value).toFixed(3)}`);
  const all = `held-out loss ${row.heldOutLoss?.toFixed(4)}, ${row.heldOutBitsPerByte?.toFixed(4)} bits per byte`;
  return `step ${row.step}/${steps}  ${[all, ...domains].join(', ')}`;
}
