/**
 * Indices that sort each row of x, `[rows, columns]`, ascending or descending; equal elements keep their order and a NaN counts as the
 * largest, as in PyTorch.
 */
export function argsortReference(x: Float64Array, columns: number, isDescending: boolean): Float64Array {
  const out = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += columns) {
    const order = Array.from({ length: columns }, (_, i) => i).sort((i, j) => {
      const [a, b] = [x[start + i], x[start + j]];
      const ascending =
        Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : compare(a, b);
      return isDescending ? -ascending : ascending;
    });
    out.set(order, start);
  }
  return out;
}

/** Not a difference, which is NaN for two infinities. */
function compare(a: number, b: number): number {
  return Number(a > b) - Number(a < b);
}
