import { init } from '@modajs/tensor';
import {
  type BenchRow,
  benchEnvironment,
  benchPresets,
  type DatabaseFactory,
  deviceTraits,
  deviceTuningKey,
  runBench,
  tuningDatabase,
} from '../src/index.ts';

/** The Worker of the browser test: two rows on WebGPU, and a tuning kept in IndexedDB. */
async function answer(): Promise<object> {
  const device = await init({ device: 'webgpu' });
  const jobs = benchPresets.matmul(deviceTraits(device), 'smoke').slice(0, 2);
  const rows: BenchRow[] = [];
  for await (const row of runBench(jobs, device, { scale: 'smoke' })) rows.push(row);
  const environment = benchEnvironment(device, { robustness: 'on' });
  const { indexedDB } = globalThis as unknown as { indexedDB: DatabaseFactory };
  const database = tuningDatabase(indexedDB);
  const before = await database.load();
  await database.save(deviceTuningKey(device), { matmul: { some: { kind: 'naive' } }, attention: {} });
  const after = await tuningDatabase(indexedDB).load();
  await database.forget(deviceTuningKey(device));
  const forgotten = await database.load();
  return { rows, environment, before, after, forgotten, key: deviceTuningKey(device) };
}

const { postMessage } = globalThis as unknown as { postMessage(answer: object): void };
answer().then(postMessage, (error: unknown) => postMessage({ error: String(error) }));
