/** Largest difference, relative to the largest value (at least 1). */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = 0;
  let largest = 1;
  for (let i = 0; i < b.length; i++) {
    worst = Math.max(worst, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return worst / largest;
}
