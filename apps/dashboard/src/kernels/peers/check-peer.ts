/** Entries that are computed again in f64. */
const SAMPLES = 32;

/** Largest error of sampled entries of `a . b`, relative to the largest true value among them; NaN of NaN. */
export function productError(
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  { M, N, K }: { M: number; N: number; K: number },
): number {
  return largestError(out, M * N, (index) => {
    const [row, column] = [Math.floor(index / N), index % N];
    let sum = 0;
    for (let k = 0; k < K; k++) sum += a[row * K + k] * b[k * N + column];
    return sum;
  });
}

/** The same of causal attention of heads `[H, T, D]`. */
export function attentionError(
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  out: Float32Array,
  { H, T, D }: { H: number; T: number; D: number },
): number {
  return largestError(out, H * T * D, (index) => {
    const [h, t, d] = [Math.floor(index / (T * D)), Math.floor(index / D) % T, index % D];
    const at = (position: number): number => (h * T + position) * D;
    const scores = Array.from({ length: t + 1 }, (_, s) => {
      let sum = 0;
      for (let c = 0; c < D; c++) sum += q[at(t) + c] * k[at(s) + c];
      return sum / Math.sqrt(D);
    });
    const largest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - largest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.reduce((sum, weight, s) => sum + (weight / total) * v[at(s) + d], 0);
  });
}

function largestError(out: Float32Array, size: number, truth: (index: number) => number): number {
  if (out.length !== size) return Number.NaN;
  let [error, scale] = [0, 0];
  for (let i = 0; i < SAMPLES; i++) {
    const index = i === SAMPLES - 1 ? size - 1 : (i * 7919 * 104_729) % size;
    const exact = truth(index);
    const off = Math.abs(out[index] - exact);
    error = off > error || Number.isNaN(off) ? off : error;
    if (Number.isNaN(error)) return Number.NaN;
    scale = Math.max(scale, Math.abs(exact));
  }
  return scale === 0 ? error : error / scale;
}
