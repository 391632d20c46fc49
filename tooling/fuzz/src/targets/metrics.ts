import { MemoryStorage, MetricsLog, readMetrics, truncateMetrics } from '@modajs/train';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';

const EVENTS = 'tensorboard/events.out.tfevents.0000000000.moda';

/** One byte says where the rows end and the events begin, in parts of 256 of the whole. */
function parts(bytes: Uint8Array): { rows: Uint8Array; events: Uint8Array } {
  const at = 1 + Math.round(((bytes.length - 1) * (bytes[0] ?? 0)) / 256);
  return { rows: bytes.subarray(1, at), events: bytes.subarray(at) };
}

/** `metrics.jsonl` and TensorBoard events of a run that goes on from step 3. */
export const target: FuzzTarget = {
  name: 'metrics',
  seeds: async () => {
    const storage = new MemoryStorage();
    const log = new MetricsLog(storage, { tensorBoard: true, now: () => 0 });
    await log.forgetAfter(0);
    for (let step = 1; step <= 5; step++) log.add({ step, loss: 5 - step });
    await log.flush();
    const [rows, events] = [await storage.read('metrics.jsonl'), await storage.read(EVENTS)];
    return [
      Uint8Array.from([0, ...events]),
      Uint8Array.from([255, ...rows]),
      Uint8Array.from([100, ...rows, ...events]),
    ];
  },
  mutate: mutateBytes,
  run: async (bytes) => {
    const { rows, events } = parts(bytes);
    const storage = new MemoryStorage();
    await storage.write('metrics.jsonl', rows);
    await storage.write(EVENTS, events);
    await truncateMetrics(storage, 3);
    const kept = await readMetrics(storage);
    if (!kept.every(({ step }) => step <= 3)) throw new Error('rows after the step are still there');
    const log = new MetricsLog(storage, { tensorBoard: true, now: () => 0 });
    await log.forgetAfter(3);
    log.add({ step: 4, loss: 1 });
    await log.flush();
    if ((await readMetrics(storage)).length !== kept.length + 1) throw new Error('the next row is lost');
  },
};
