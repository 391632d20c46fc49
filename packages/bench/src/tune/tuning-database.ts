import type { KernelTuning, TuningTables } from '@modajs/kernels';
import { readTuningCache, type TuningCache, withoutTuning, withTuning } from './tuning-cache.ts';

/** Where a browser keeps tunings between visits. */
export interface TuningDatabase {
  /** The tables kept; none at first. @throws DataError for what no search wrote */
  load(): Promise<TuningTables>;
  /** Keeps a device's tuning beside those of others. */
  save(key: string, tuning: KernelTuning): Promise<void>;
  /** Forgets a device's tuning; those of others stay. */
  forget(key: string): Promise<void>;
}

/** What is used of IndexedDB, so that this package needs no DOM types: pass `globalThis.indexedDB`. */
export interface DatabaseFactory {
  open(name: string, version: number): DatabaseRequest & { onupgradeneeded: ((event: never) => unknown) | null };
}

interface DatabaseRequest {
  readonly result: unknown;
  readonly error: unknown;
  onsuccess: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
}

interface Database {
  createObjectStore(name: string): unknown;
  transaction(store: string, mode: 'readonly' | 'readwrite'): Transaction;
  close(): void;
}

interface Transaction {
  readonly error: unknown;
  oncomplete: ((event: never) => unknown) | null;
  onabort: ((event: never) => unknown) | null;
  objectStore(name: string): ObjectStore;
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
  // What cannot be read is worth nothing: it is replaced.
  const known = () => load().catch((): TuningTables => ({}));
  const keep = (cache: TuningCache) => withStore(factory, 'readwrite', (store) => store.put(cache, RECORD));
  return {
    load,
    async save(key, tuning) {
      await keep(withTuning(await known(), key, tuning));
    },
    async forget(key) {
      await keep(withoutTuning(await known(), key));
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
    const transaction = database.transaction(NAME, mode);
    const [result] = await Promise.all([finished(use(transaction.objectStore(NAME))), ended(transaction)]);
    return result;
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

/** Only then is what was written kept, should the Worker end. */
function ended(transaction: Transaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
