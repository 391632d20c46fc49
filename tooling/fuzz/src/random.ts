/** Seeded random numbers for mutations. */
export interface Random {
  /** A whole number in 0 .. below - 1. */
  int(below: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One of the items, which must not be empty. */
  pick<T>(items: ArrayLike<T>): T;
}

/** The generator of one case: the same seed and case give the same numbers on every machine (mulberry32). */
export function createRandom(seed: number, caseNumber: number): Random {
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul((caseNumber + 1) | 0, 0x85ebca6b)) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return { int, chance: (probability) => next() < probability, pick: (items) => items[int(items.length)] };
}
