import type { RunFiles } from '../storage/run-files.ts';
import type { RunStorage } from '../storage/run-storage.ts';
import { eventsUpTo, fileVersionEvent, scalarEvent, sessionStartEvent } from './tensorboard-events.ts';

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
  /** Of several ranks, what they cost this one in the step: bytes, and milliseconds in which training went on or waited. */
  readonly sentBytes?: number;
  readonly receivedBytes?: number;
  readonly communicationHiddenMs?: number;
  readonly communicationWaitedMs?: number;
  readonly heldOutLoss?: number;
  readonly heldOutBitsPerByte?: number;
  readonly [name: string]: number | string | undefined;
}

const METRICS_FILE = 'metrics.jsonl';
const EVENTS_FOLDER = 'tensorboard';
const EVENTS_FILE = /^events\.out\.tfevents\.(\d+)\.moda$/;

/** Writes a run's metrics as JSON lines and, optionally, TensorBoard events. Rows are buffered until `flush`. */
export class MetricsLog {
  private lines = '';
  private events: Uint8Array[] = [];
  /** The event file of this session; named at the first flush. */
  private eventsFile: string | null = null;

  constructor(
    private readonly storage: RunStorage,
    private readonly options: { readonly tensorBoard: boolean; readonly now?: () => number },
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
    if (events.length === 0) return;
    const isFirst = this.eventsFile === null;
    this.eventsFile ??= await nextEventsFile(this.storage);
    const header = isFirst ? [fileVersionEvent(this.now())] : [];
    await this.storage.append(this.eventsFile, concatenate([...header, ...events]));
  }

  /**
   * Drops the rows and events after a step, which will be logged again, and tells a TensorBoard that has read them already.
   * Called before a run's first step too, with 0.
   */
  async forgetAfter(step: number): Promise<void> {
    await truncateMetrics(this.storage, step);
    if (this.options.tensorBoard) this.events.push(sessionStartEvent(step + 1, this.now()));
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}

/** Rows of a run so far, in order; lines that are no rows are left out, such as a half-written last one. Empty when the run has none. */
export async function readMetrics(storage: RunFiles): Promise<MetricsRow[]> {
  if (!(await storage.exists(METRICS_FILE))) return [];
  const lines = new TextDecoder().decode(await storage.read(METRICS_FILE)).split('\n');
  return lines.flatMap((line) => {
    try {
      const row: unknown = JSON.parse(line);
      return isRow(row) ? [row] : [];
    } catch {
      return [];
    }
  });
}

/** Drops the rows and TensorBoard events after `step`, which a resumed run will write again. */
export async function truncateMetrics(storage: RunStorage, step: number): Promise<void> {
  if (await storage.exists(METRICS_FILE)) {
    const kept = (await readMetrics(storage)).filter((row) => row.step <= step);
    await storage.write(METRICS_FILE, kept.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
  for (const name of await storage.list(EVENTS_FOLDER)) {
    if (!EVENTS_FILE.test(name)) continue;
    const path = `${EVENTS_FOLDER}/${name}`;
    const events = await storage.read(path);
    const kept = eventsUpTo(events, step);
    if (kept.length < events.length) await storage.write(path, kept);
  }
}

function isRow(value: unknown): value is MetricsRow {
  return typeof value === 'object' && value !== null && Number.isSafeInteger((value as Partial<MetricsRow>).step);
}

/** Files are numbered by session: TensorBoard reads them by name. */
async function nextEventsFile(storage: RunStorage): Promise<string> {
  const sessions = (await storage.list(EVENTS_FOLDER)).map((name) => Number(EVENTS_FILE.exec(name)?.[1] ?? -1));
  const session = Math.max(-1, ...sessions) + 1;
  return `${EVENTS_FOLDER}/events.out.tfevents.${String(session).padStart(10, '0')}.moda`;
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
