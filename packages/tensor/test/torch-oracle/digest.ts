import { hash } from './values.ts';

/** What is stored of a result: `tooling/torch-oracle/make-cases.py` makes the same of PyTorch's. */
export interface Digest {
  /** Weighted sum of the finite values, compressed so that large ones count by their relative size. */
  readonly numbers: number;
  /** Weighted sum over what is NaN (1), Infinity (2) or -Infinity (3). */
  readonly classes: number;
  /** By how much `numbers` moves when each value v moves by 1e-11 of its size. */
  readonly slack: number;
  /** By how much `numbers` moves, at most, when every value moves by 1. */
  readonly slope: number;
}

export function digestOf(values: ArrayLike<number>): Digest {
  let scale = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) scale = Math.max(scale, Math.abs(values[i]));
  }
  scale = Math.min(1, scale || 1);
  let [numbers, classes, slack, slope] = [0, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const weight = ((hash(77, i) & 0xffff) + 65536) / 65536;
    const value = values[i];
    if (Number.isNaN(value)) classes += weight;
    else if (!Number.isFinite(value)) classes += weight * (value > 0 ? 2 : 3);
    else {
      const z = value / scale;
      const compressed = Math.abs(z) <= 1 ? z : Math.sign(z) * (1 + Math.log(Math.abs(z)));
      numbers += weight * compressed;
      slack += weight * 1e-11 * (Math.min(1, Math.abs(z)) + 1e-3);
      slope += weight / scale;
    }
  }
  return { numbers, classes, slack, slope };
}
