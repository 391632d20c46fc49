/**
 * `P(|t| <= x)` of Student's t with `df` degrees of freedom: the finite series for whole `df` (Abramowitz and Stegun 26.7.3 and
 * 26.7.4, with `theta = atan(x / sqrt(df))`).
 *
 * @param x at least 0
 * @param df a whole number, at least 1
 */
export function studentTWithin(x: number, df: number): number {
  const theta = Math.atan(x / Math.sqrt(df));
  const cosine = Math.cos(theta);
  const isOdd = df % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = df === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k <= df - 2; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine;
    sum += term;
  }
  return isOdd ? (2 / Math.PI) * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum;
}

/** The `x` with `P(|t| <= x) = level`: 12.706 for a level of 0.95 and one degree of freedom. */
export function studentTQuantile(level: number, df: number): number {
  let low = 0;
  let high = 1;
  while (studentTWithin(high, df) < level) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (studentTWithin(middle, df) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
