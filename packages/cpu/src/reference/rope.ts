import type { Round } from './round.ts';

/** Sizes and switches of a rotary embedding over x `[rows, H, D]`, one position a row. */
export interface RopeReferenceOptions {
  readonly H: number;
  readonly D: number;
  readonly theta: number;
  /** Radians a position of each pair, in place of the powers of theta. */
  readonly frequencies?: readonly number[];
  /** First `rotaryDim` components are rotated; the rest pass through. */
  readonly rotaryDim: number;
  /** Pairs (2i, 2i+1) when true, (i, i + rotaryDim/2) when false. */
  readonly interleaved: boolean;
  /** Rotate by the negative angle: the gradient. */
  readonly inverse: boolean;
}

/** Rotates each pair by `position * theta^(-2i/rotaryDim)`. */
export function ropeReference(
  x: Float64Array,
  positions: Float64Array,
  options: RopeReferenceOptions,
  round: Round,
): Float64Array {
  const { H, D, theta, frequencies, rotaryDim, interleaved, inverse } = options;
  const out = x.slice();
  const half = rotaryDim / 2;
  for (let head = 0; head < positions.length * H; head++) {
    const position = positions[Math.floor(head / H)];
    for (let i = 0; i < half; i++) {
      const angle = round(position * round(frequencies?.[i] ?? theta ** ((-2 * i) / rotaryDim)));
      const cos = round(Math.cos(angle));
      const sin = round(inverse ? -Math.sin(angle) : Math.sin(angle));
      const first = head * D + (interleaved ? 2 * i : i);
      const second = head * D + (interleaved ? 2 * i + 1 : i + half);
      out[first] = round(round(x[first] * cos) - round(x[second] * sin));
      out[second] = round(round(x[second] * cos) + round(x[first] * sin));
    }
  }
  return out;
}
