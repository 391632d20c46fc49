import { KernelError } from '../plan/kernel-error.ts';

/** Frequencies that the uniform blocks have room for. */
const MAX_PAIRS = 256;

/**
 * The uniform words of `frequencies`, by default `theta^(-2i/rotaryDim)`, rounded to f32, 256 of them whatever rotaryDim is.
 *
 * @throws KernelError for an odd rotaryDim, one above D, or one above 512
 */
export function ropeFrequencies(
  D: number,
  rotaryDim: number,
  theta: number,
  frequencies?: readonly number[],
): { readonly f32: number }[] {
  if (rotaryDim % 2 !== 0 || rotaryDim > Math.min(D, 2 * MAX_PAIRS)) {
    throw new KernelError(
      `kernels: rope needs an even rotaryDim of at most D and ${2 * MAX_PAIRS}, got rotaryDim=${rotaryDim}, D=${D}. Rotate fewer components.`,
      { rotaryDim, D },
    );
  }
  return Array.from({ length: MAX_PAIRS }, (_, i) => ({
    f32: 2 * i < rotaryDim ? (frequencies?.[i] ?? theta ** ((-2 * i) / rotaryDim)) : 0,
  }));
}
