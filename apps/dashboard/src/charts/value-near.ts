/** Values this far away still speak for a place: a line drawn in columns, or evaluated now and then, has a value at some only. */
const REACH = 40;

/**
 * The value of a line at a place of the axis, or the nearest between two that it has; null before its first and after its
 * last, where there is nothing to tell.
 */
export function valueNear(values: ArrayLike<number | null | undefined>, at: number): number | null {
  const found = (from: number, step: -1 | 1): number => {
    for (let i = from; i >= 0 && i < values.length; i += step)
      if (values[i] !== null && values[i] !== undefined) return i;
    return -1;
  };
  const [before, after] = [found(at, -1), found(at, 1)];
  // A column of the screen is two places, and the second is empty where its values are equal.
  const isWithin = before >= 0 && after >= 0;
  const near = before >= 0 && (after < 0 || at - before <= after - at) ? before : after;
  if (near < 0) return null;
  const distance = Math.abs(near - at);
  return distance <= (isWithin ? REACH : 1) ? (values[near] ?? null) : null;
}
