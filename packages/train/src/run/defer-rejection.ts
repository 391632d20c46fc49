/**
 * The promise of work that goes on behind other work. When that other work throws nobody awaits the promise any more, and its
 * own failure (a device destroyed under a readback) must not end the process: it counts as handled from here on. Awaiting
 * throws as ever.
 */
export function deferRejection<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
