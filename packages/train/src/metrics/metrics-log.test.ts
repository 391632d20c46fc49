import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { MetricsLog, readMetrics, truncateMetrics } from './metrics-log.ts';

/** Steps by event file as TensorBoard keeps them: a session start makes what came at its step and later void. */
async function drawnSteps(storage: MemoryStorage): Promise<{ raw: number[]; starts: number[] }> {
  const raw: number[] = [];
  const starts: number[] = [];
  for (const name of await storage.list('tensorboard')) {
    const file = await storage.read(`tensorboard/${name}`);
    const view = new DataView(file.buffer);
    for (let at = 0; at < file.length; at += 16 + view.getUint32(at, true)) {
      const event = file.subarray(at + 12, at + 12 + view.getUint32(at, true));
      // Wall time is 9 bytes; then the step's key and, below 128, its value; then the key of what the event is.
      if (event[9] === 0x10) (event[11] === 0x3a ? starts : raw).push(event[10]);
    }
  }
  return { raw, starts };
}

describe('MetricsLog', () => {
  it('writes rows in order and drops those after a resumed step, in TensorBoard files too', async () => {
    const storage = new MemoryStorage();
    const log = new MetricsLog(storage, { tensorBoard: true, now: () => 0 });
    await log.forgetAfter(0);
    for (let step = 1; step <= 5; step++) log.add({ step, loss: 5 - step });
    await log.flush();
    for (let session = 1; session < 3; session++) {
      const resumed = new MetricsLog(storage, { tensorBoard: true, now: () => 0 });
      await resumed.forgetAfter(3);
      resumed.add({ step: 4, loss: 1 });
      await resumed.flush();
      await resumed.flush();
      expect((await readMetrics(storage)).map((row) => row.step)).toEqual([1, 2, 3, 4]);
      expect(await storage.list('tensorboard')).toHaveLength(session + 1);
      expect(await drawnSteps(storage)).toEqual({ raw: [1, 2, 3, 4], starts: [1, 4] });
    }
  });

  it('leaves out lines that are JSON and no rows', async () => {
    const storage = new MemoryStorage();
    await storage.append('metrics.jsonl', 'null\n5\n[1]\n{"loss":1}\n{"step":"2"}\n{"step":1}\n');
    expect(await readMetrics(storage)).toEqual([{ step: 1 }]);
  });

  it('survives a line that a crash cut short', async () => {
    const storage = new MemoryStorage();
    await storage.append('metrics.jsonl', '{"step":1,"loss":2}\n{"step":2,"lo');
    expect(await readMetrics(storage)).toEqual([{ step: 1, loss: 2 }]);
    await truncateMetrics(storage, 2);
    await storage.append('metrics.jsonl', '{"step":2}\n');
    expect((await readMetrics(storage)).map((row) => row.step)).toEqual([1, 2]);
  });
});
