import type { RunStorage } from '../storage/run-storage.ts';
import { fileVersionEvent, scalarEvent, sessionStartEvent } from './tensorboard-events.ts';

/** One row of `metrics.jsonl`: numbers by name, `step` always. Losses in nats per token, times in milliseconds. */
export interface MetricsRow {
  /** Optimiser steps done. */
  readonly step: number;
  /** Mean cross-entropy of the step's targets, without the z-loss. */
  readonly loss?: number;
  /** Mean z-loss, when the run has one. */
  readonly zLoss?: number;
  readonly learningRate?: number;
  readonly gradientNorm?: number;
  /** By the median time of the last nine steps. */
  readonly tokensPerSecond?: number;
  readonly timeMs?: number;
  readonly heldOutLoss?: number;
  readonly heldOutBitsPerByte?: number;
  readonly [name: string]: number | string | undefined;
}

const METRICS_FILE = 'metrics.jsonl';

/** Writes a run's metrics as JSON lines and, optionally, TensorBoard events. Rows are buffered until `flush`. */
export class MetricsLog {
  private lines = '';
  private events: Uint8Array[] = [];
  private startedEvents = false;

  /**
   * @param session distinguishes event files of one run: 0, then 1 after the first resume
   * @param resumedStep rows after it in older event files are void
   */
  constructor(
    private readonly storage: RunStorage,
    private readonly options: { tensorBoard: boolean; session: number; resumedStep: number | null; now?: () => number },
  ) {}

  add(row: MetricsRow): void {
    this.lines += `${JSON.stringify(row)}\n`;
    if (!this.options.tensorBoard) return;
    const { step, ...rest } = row;
    const scalars = Object.entries(rest).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
    this.events.push(scalarEvent(step, this.now(), Object.fromEntries(scalars)));
  }

  /** Appends what was added since the last call. @throws StorageFullError; the rows stay for the next call */
  async flush(): Promise<void> {
    const { lines, events } = this;
    this.lines = '';
    this.events = [];
    try {
      if (lines !== '') await this.storage.append(METRICS_FILE, lines);
    } catch (error) {
      // The failed write may have left part of a line: the line break ends it.
      this.lines = `\n${lines}${this.lines}`;
      throw error;
    }
    if (events.length > 0) await this.storage.append(this.eventFile(), concatenate([...this.eventHeader(), ...events]));
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }

  private eventFile(): string {
    return `tensorboard/events.out.tfevents.${String(this.options.session).padStart(10, '0')}.moda`;
  }

  private eventHeader(): Uint8Array[] {
    if (this.startedEvents) return [];
    this.startedEvents = true;
    const { resumedStep } = this.options;
    const version = fileVersionEvent(this.now());
    return resumedStep === null ? [version] : [version, sessionStartEvent(resumedStep + 1, this.now())];
  }
}

/** Rows of a run so far, in order; a half-written last line is left out. Empty when the run has none. */
export async function readMetrics(storage: RunStorage): Promise<MetricsRow[]> {
  if (!(await storage.exists(METRICS_FILE))) return [];
  const lines = new TextDecoder().decode(await storage.read(METRICS_FILE)).split('\n');
  return lines.flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as MetricsRow];
    } catch {
      return [];
    }
  });
}

/** Drops the rows after `step`, which a resumed run will write again. */
export async function truncateMetrics(storage: RunStorage, step: number): Promise<void> {
  if (!(await storage.exists(METRICS_FILE))) return;
  const kept = (await readMetrics(storage)).filter((row) => row.step <= step);
  await storage.write(METRICS_FILE, kept.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
