/**
 * The smallest input found in `budgetMs` that still fails: ever smaller pieces are left out, then bytes are set to zero.
 *
 * @param fails runs an input; called until the time is up
 */
export async function minimise(
  bytes: Uint8Array,
  fails: (bytes: Uint8Array) => Promise<boolean>,
  budgetMs: number,
): Promise<Uint8Array> {
  const end = performance.now() + budgetMs;
  let best = bytes;
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length && performance.now() < end; ) {
      const candidate = new Uint8Array(best.length - Math.min(size, best.length - at));
      candidate.set(best.subarray(0, at));
      candidate.set(best.subarray(at + size), at);
      if (await fails(candidate)) best = candidate;
      else at += size;
    }
  }
  for (let at = 0; at < best.length && performance.now() < end; at++) {
    if (best[at] === 0) continue;
    const candidate = best.slice();
    candidate[at] = 0;
    if (await fails(candidate)) best = candidate;
  }
  return best;
}
