import { BUFFER_USAGE, encodeDispatches, MAP_MODE_READ, type PreparedDispatches } from '@modajs/kernels/executor';
import type { Timing } from '../measure/bench-target.ts';
import { median } from '../measure/statistics.ts';

/** Passes of one submission: drivers and watchdogs dislike seconds of work in one piece. */
const PASSES_AT_ONCE = 64;
const MAX_QUERIES = 4096;
/** A wall-clock sample, or one under a coarse timestamp clock, repeats the work until it lasts this long. */
const LEAST_SAMPLE_MS = 10;
const MAX_REPEATS = 1000;

/**
 * Times plans that run one after another, `runs` times after a warm-up; the time of a run is divided by the number of plans.
 * With timestamps each pass of a lone plan is timed by itself and the run lasts from the first one's begin to the last one's end;
 * several plans share a pass. Clocks coarser than a microsecond (browsers) get repeated work. Without timestamps: wall time.
 */
export async function timePlans(
  device: GPUDevice,
  plans: readonly PreparedDispatches[],
  runs: number,
): Promise<Timing> {
  const warmUpMs = await wallTime(device, plans, 1);
  const count = plans.reduce((sum, { dispatches }) => sum + dispatches.length, 0);
  if (count === 0) return { timesMs: Array<number>(runs).fill(0), timedBy: 'wall' };
  if (!device.features.has('timestamp-query') || 2 * count > MAX_QUERIES)
    return timeByWall(device, plans, runs, warmUpMs);
  const timing =
    plans.length === 1 ? await timeByPass(device, plans[0]!, runs) : await timeTogether(device, plans, runs, 1);
  const sample = median(timing.timesMs) * plans.length;
  if (timing.clockNs <= 1000 || sample >= 100 * (timing.clockNs / 1e6)) return timing;
  const repeats = Math.min(MAX_REPEATS, Math.ceil(LEAST_SAMPLE_MS / Math.max(sample, 0.01)));
  return timeTogether(device, plans, runs, repeats);
}

interface StampedTiming extends Timing {
  /** Largest step that divides every timestamp difference: the clock's resolution, ns. */
  readonly clockNs: number;
}

async function timeByPass(device: GPUDevice, { dispatches }: PreparedDispatches, runs: number): Promise<StampedTiming> {
  const count = dispatches.length;
  const clock = new StampClock(device, 2 * count);
  const timesMs: number[] = [];
  const passes: number[][] = dispatches.map(() => []);
  let clockNs = 0n;
  for (let run = 0; run < runs; run++) {
    for (let first = 0; first < count; first += PASSES_AT_ONCE) {
      const encoder = device.createCommandEncoder();
      const end = Math.min(count, first + PASSES_AT_ONCE);
      for (let index = first; index < end; index++) {
        const pass = encoder.beginComputePass(clock.passDescriptor(index));
        encodeDispatches(pass, dispatches.slice(index, index + 1));
        pass.end();
      }
      if (end === count) clock.resolve(encoder);
      device.queue.submit([encoder.finish()]);
    }
    const stamps = await clock.read();
    clockNs = stamps.reduce((step, stamp) => divisor(step, stamp - stamps[0]!), clockNs);
    timesMs.push(Number(stamps[2 * count - 1]! - stamps[0]!) / 1e6);
    for (const [index, list] of passes.entries()) {
      list.push(Number(stamps[2 * index + 1]! - stamps[2 * index]!) / 1e6);
    }
  }
  clock.destroy();
  const passMs: Record<string, number> = {};
  for (const [index, { label }] of dispatches.entries()) passMs[label] = (passMs[label] ?? 0) + median(passes[index]!);
  return { timesMs, passMs, timedBy: 'timestamps', clockNs: Number(clockNs) };
}

async function timeTogether(
  device: GPUDevice,
  plans: readonly PreparedDispatches[],
  runs: number,
  repeats: number,
): Promise<StampedTiming> {
  const clock = new StampClock(device, 2 * runs);
  const encoder = device.createCommandEncoder();
  for (let run = 0; run < runs; run++) {
    const pass = encoder.beginComputePass(clock.passDescriptor(run));
    for (let repeat = 0; repeat < repeats; repeat++)
      for (const { dispatches } of plans) encodeDispatches(pass, dispatches);
    pass.end();
  }
  clock.resolve(encoder);
  device.queue.submit([encoder.finish()]);
  const stamps = await clock.read();
  clock.destroy();
  const timesMs = Array.from(
    { length: runs },
    (_, run) => Number(stamps[2 * run + 1]! - stamps[2 * run]!) / 1e6 / plans.length / repeats,
  );
  const clockNs = stamps.reduce((step, stamp) => divisor(step, stamp - stamps[0]!), 0n);
  return { timesMs, timedBy: 'timestamps', clockNs: Number(clockNs) };
}

async function timeByWall(
  device: GPUDevice,
  plans: readonly PreparedDispatches[],
  runs: number,
  warmUpMs: number,
): Promise<Timing> {
  const repeats = Math.min(MAX_REPEATS, Math.max(1, Math.ceil(LEAST_SAMPLE_MS / Math.max(0.05, warmUpMs))));
  const timesMs: number[] = [];
  for (let run = 0; run < runs; run++) {
    timesMs.push((await wallTime(device, plans, repeats)) / plans.length / repeats);
  }
  return { timesMs, timedBy: 'wall' };
}

/** From the first submission to the end of all work. */
export async function wallTime(
  device: GPUDevice,
  plans: readonly PreparedDispatches[],
  repeats: number,
): Promise<number> {
  const startedAt = performance.now();
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const { dispatches } of plans) {
      for (let first = 0; first < dispatches.length; first += PASSES_AT_ONCE) {
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        encodeDispatches(pass, dispatches.slice(first, first + PASSES_AT_ONCE));
        pass.end();
        device.queue.submit([encoder.finish()]);
      }
    }
  }
  await device.queue.onSubmittedWorkDone();
  return performance.now() - startedAt;
}

/** Pairs of timestamps, read back. */
class StampClock {
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #readable: GPUBuffer;

  constructor(
    device: GPUDevice,
    readonly count: number,
  ) {
    this.#queries = device.createQuerySet({ type: 'timestamp', count });
    const size = count * 8;
    this.#resolved = device.createBuffer({ size, usage: BUFFER_USAGE.QUERY_RESOLVE | BUFFER_USAGE.COPY_SRC });
    this.#readable = device.createBuffer({ size, usage: BUFFER_USAGE.MAP_READ | BUFFER_USAGE.COPY_DST });
  }

  passDescriptor(pair: number): GPUComputePassDescriptor {
    const timestampWrites = {
      querySet: this.#queries,
      beginningOfPassWriteIndex: 2 * pair,
      endOfPassWriteIndex: 2 * pair + 1,
    };
    return { timestampWrites };
  }

  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.#queries, 0, this.count, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#readable, 0, this.count * 8);
  }

  async read(): Promise<bigint[]> {
    await this.#readable.mapAsync(MAP_MODE_READ);
    const stamps = [...new BigInt64Array(this.#readable.getMappedRange())];
    this.#readable.unmap();
    return stamps;
  }

  destroy(): void {
    this.#queries.destroy();
    this.#resolved.destroy();
    this.#readable.destroy();
  }
}

function divisor(a: bigint, b: bigint): bigint {
  let x = a < 0n ? -a : a;
  let y = b < 0n ? -b : b;
  while (y > 0n) [x, y] = [y, x % y];
  return x;
}
