/** Points across the axis over which a weight of `amount` fades once. */
const RESOLUTION = 1000;

/**
 * Exponential moving average that does not depend on how densely the points lie: the weight of the past falls as
 * `amount^(1000 dx / width)`, and is corrected for the beginning, where there is no past.
 *
 * @param amount 0 (as it is) to below 1
 * @param width of the axis
 */
export function smooth(
  x: readonly number[],
  y: readonly (number | null)[],
  amount: number,
  width: number,
): (number | null)[] {
  if (amount <= 0 || width <= 0) return [...y];
  let [sum, weight, before] = [0, 0, 0];
  return y.map((value, i) => {
    if (value === null) return null;
    const kept = weight === 0 ? 0 : amount ** Math.max(1e-3, (RESOLUTION * (x[i] - before)) / width);
    sum = kept * sum + (1 - (weight === 0 ? amount : kept)) * value;
    weight = kept * weight + 1 - (weight === 0 ? amount : kept);
    before = x[i];
    return sum / weight;
  });
}
