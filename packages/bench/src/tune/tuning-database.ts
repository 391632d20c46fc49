import type { KernelTuning, TuningTables } from '@modajs/kernels';
import { readTuningCache, type TuningCache, withTuning } from './tuning-cache.ts';

/** Where a browser keeps tunings between visits. */
export interface TuningDatabase {
  /** The tables kept; none at first. @throws DataError for what no search wrote */
  load(): Promise<TuningTables>;
  /** Keeps a device's tuning beside those of others. */
  save(key: string, tuning: KernelTuning): Promise<void>;
}

/** What is used of IndexedDB, so that this package needs no DOM types: pass `globalThis.indexedDB`. */
export interface DatabaseFactory {
  open(name: string, version: number): DatabaseRequest & { onupgradeneeded: ((event: unknown) => void) | null };
}

interface DatabaseRequest {
  readonly result: unknown;
  readonly error: unknown;
  onsuccess: ((event: unknown) => void) | null;
  onerror: ((event: unknown) => void) | null;
}

interface Database {
  createObjectStore(name: string): unknown;
  transaction(store: string, mode: 'readonly' | 'readwrite'): { objectStore(name: string): ObjectStore };
  close(): void;
}

interface ObjectStore {
  get(key: string): DatabaseRequest;
  put(value: unknown, key: string): DatabaseRequest;
}

const NAME = 'modajs-tuning';
const RECORD = 'cache';

/** Tunings in IndexedDB, in a page or a Worker. */
export function tuningDatabase(factory: DatabaseFactory): TuningDatabase {
  const load = async () => {
    const cache = await withStore(factory, 'readonly', (store) => store.get(RECORD));
    return cache === undefined ? {} : readTuningCache(cache);
  };
  return {
    load,
    async save(key, tuning) {
      // What cannot be read is worth nothing: it is replaced.
      const cache: TuningCache = withTuning(await load().catch(() => ({})), key, tuning);
      await withStore(factory, 'readwrite', (store) => store.put(cache, RECORD));
    },
  };
}

async function withStore(
  factory: DatabaseFactory,
  mode: 'readonly' | 'readwrite',
  use: (store: ObjectStore) => DatabaseRequest,
): Promise<unknown> {
  const opening = factory.open(NAME, 1);
  opening.onupgradeneeded = () => void (opening.result as Database).createObjectStore(NAME);
  const database = (await finished(opening)) as Database;
  try {
    return await finished(use(database.transaction(NAME, mode).objectStore(NAME)));
  } finally {
    database.close();
  }
}

function finished(request: DatabaseRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
