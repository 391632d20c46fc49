import { BUFFER_USAGE, MAP_MODE_READ } from '@modajs/kernels/executor';
import { ConfigError } from '../../core/errors.ts';
import { shown } from '../../core/value-checks.ts';

const DISPATCHES = 1024;
const TIMESTAMP_BYTES = 8;

/** One dispatch: when it began (from the first of the profile) and how long it took. */
export interface KernelSpan {
  readonly label: string;
  readonly startUs: number;
  readonly durationUs: number;
}

/** All dispatches of one kernel. */
export interface KernelTime {
  readonly label: string;
  readonly count: number;
  readonly totalMs: number;
  /** Of the time of all kernels, 0 to 1. */
  readonly share: number;
}

/** Times each dispatch with timestamp queries, each in a pass of its own. */
export class Profiler {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  #labels: string[] = [];
  #staging: GPUBuffer | null = null;
  #pending: Promise<void> = Promise.resolve();
  #origin: bigint | null = null;
  readonly #spans: KernelSpan[] = [];

  /** The device must have `timestamp-query`. */
  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = device.createQuerySet({ type: 'timestamp', count: 2 * DISPATCHES });
    const usage = BUFFER_USAGE.QUERY_RESOLVE | BUFFER_USAGE.COPY_SRC;
    this.#resolved = device.createBuffer({ size: 2 * DISPATCHES * TIMESTAMP_BYTES, usage });
  }

  get isFull(): boolean {
    return this.#labels.length >= DISPATCHES;
  }

  /** Descriptor of a pass that holds one dispatch. */
  describePass(label: string): GPUComputePassDescriptor {
    const beginningOfPassWriteIndex = 2 * this.#labels.length;
    this.#labels.push(label);
    const endOfPassWriteIndex = beginningOfPassWriteIndex + 1;
    return { label, timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex, endOfPassWriteIndex } };
  }

  /** Records the reading of the timestamps; call right before the encoder finishes. */
  resolve(encoder: GPUCommandEncoder): void {
    const count = 2 * this.#labels.length;
    if (count === 0) return;
    const size = count * TIMESTAMP_BYTES;
    this.#staging = this.#device.createBuffer({ size, usage: BUFFER_USAGE.MAP_READ | BUFFER_USAGE.COPY_DST });
    encoder.resolveQuerySet(this.#queries, 0, count, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, size);
  }

  /** Takes over the timestamps of the submission that just went out. */
  collect(): void {
    const staging = this.#staging;
    const labels = this.#labels;
    this.#staging = null;
    this.#labels = [];
    if (staging === null) return;
    const read = staging.mapAsync(MAP_MODE_READ).then(() => {
      this.#add(labels, new BigUint64Array(staging.getMappedRange()));
      staging.destroy();
    });
    // A lost device has no timestamps; its loss is reported elsewhere.
    this.#pending = Promise.all([this.#pending, read.catch(() => {})]).then(() => {});
  }

  /** Every dispatch so far, in order. Submit first. */
  async spans(): Promise<readonly KernelSpan[]> {
    await this.#pending;
    return this.#spans;
  }

  #add(labels: readonly string[], times: BigUint64Array): void {
    labels.forEach((label, i) => {
      const begin = times[2 * i];
      this.#origin ??= begin;
      const startUs = Number(begin - this.#origin) / 1000;
      this.#spans.push({ label, startUs, durationUs: Math.max(0, Number(times[2 * i + 1] - begin) / 1000) });
    });
  }
}

/** What `kernelSpans` gives. @throws ConfigError */
function checkSpans(operation: string, spans: readonly KernelSpan[]): void {
  if (Array.isArray(spans) && spans.every((span) => typeof span?.label === 'string')) return;
  throw new ConfigError(`${operation}: spans must be what kernelSpans() gives, got ${shown(spans)}.`);
}

/** Total time by kernel, longest first. @throws ConfigError for what are no spans */
export function kernelTimes(spans: readonly KernelSpan[]): KernelTime[] {
  checkSpans('kernelTimes', spans);
  const byLabel = new Map<string, { count: number; us: number }>();
  let totalUs = 0;
  for (const { label, durationUs } of spans) {
    const entry = byLabel.get(label) ?? { count: 0, us: 0 };
    entry.count++;
    entry.us += durationUs;
    totalUs += durationUs;
    byLabel.set(label, entry);
  }
  return [...byLabel]
    .map(([label, { count, us }]) => ({ label, count, totalMs: us / 1000, share: totalUs > 0 ? us / totalUs : 0 }))
    .sort((a, b) => b.totalMs - a.totalMs);
}

/** The spans as a Chrome trace (`chrome://tracing`, Perfetto): a JSON text. */
export function chromeTrace(spans: readonly KernelSpan[]): string {
  checkSpans('chromeTrace', spans);
  const traceEvents = spans.map(({ label, startUs, durationUs }) => ({
    name: label,
    cat: 'kernel',
    ph: 'X',
    ts: startUs,
    dur: durationUs,
    pid: 0,
    tid: 0,
  }));
  return JSON.stringify({ traceEvents, displayTimeUnit: 'ms' });
}
