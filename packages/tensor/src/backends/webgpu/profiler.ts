import { BUFFER_USAGE, MAP_MODE_READ } from '@modajs/kernels/executor';
import type { KernelSpan } from './kernel-times.ts';

const DISPATCHES = 1024;
const TIMESTAMP_BYTES = 8;

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
