import { siluSlope } from './binary.ts';
import type { Round } from './round.ts';

type Ternary = (a: number, b: number, c: number, r: Round) => number;

/** Every elementwise operator of three arguments, as `unary` of one. */
const ternary = {
  where: (a, b, c) => (a !== 0 ? b : c),
  swigluGradGate: (a, b, dOut, r) => r(r(siluSlope(a, r) * b) * dOut),
  multiplyAdd: (a, b, c, r) => r(r(a * b) + c),
} satisfies Record<string, Ternary>;

/** Elementwise functions of three arguments, by the names of the device contract. */
export type TernaryName = keyof typeof ternary;

/** All names, for tests that walk every operator. */
export const ternaryNames = Object.keys(ternary) as readonly TernaryName[];

/** `op` at every triple of elements. `swigluGradGate` takes (gate, up, dOut). */
export function ternaryReference(
  op: TernaryName,
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  round: Round,
): Float64Array {
  const f: Ternary = ternary[op];
  return a.map((value, i) => f(value, b[i], c[i], round));
}
