/** Threads of a workgroup that sums over rows. */
export const LINE_THREADS = 128;

/** Threads that share a row of `N` elements: a power of two, about two elements to each. */
export function rowLanes(N: number): number {
  let lanes = 4;
  while (2 * lanes < N && lanes < LINE_THREADS) lanes *= 2;
  return lanes;
}
