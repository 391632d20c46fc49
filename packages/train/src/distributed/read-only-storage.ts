import type { RunStorage } from '../storage/run-storage.ts';

/** A run's files as the ranks above 0 see them: reading works, writing does nothing. */
export function readOnlyStorage(storage: RunStorage): RunStorage {
  const nothing = async (): Promise<void> => {};
  return {
    location: storage.location,
    exists: (path) => storage.exists(path),
    list: (folder) => storage.list(folder),
    read: (path) => storage.read(path),
    write: nothing,
    append: nothing,
    writeFolder: nothing,
    remove: nothing,
    freeBytes: () => storage.freeBytes(),
  };
}
