/**
 * Inputs of the oracle's cases: numbers from hashes of (seed, index), bit for bit those of `tooling/torch-oracle/cases.py`, where
 * each profile is explained.
 */

const SPECIAL = [NaN, Infinity, -Infinity, -0, 0, 1e30, -1e30, 1e-30, 65504, 1e5, -1e5, 3e38];
const TABLES: Readonly<Record<string, readonly number[]>> = {
  s: SPECIAL,
  f: SPECIAL.filter(Number.isFinite),
  r: SPECIAL.filter((value) => value !== -Infinity),
};
const WIDE = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 16777217, 46341, 65536, 123456789, -16777217];

/** 32 bits for value i of an input. */
export function hash(seed: number, i: number): number {
  let h = (Math.imul(seed, 0x9e3779b1) + Math.imul(i, 0x85ebca77)) >>> 0;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) >>> 0;
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39) >>> 0;
  return (h ^ (h >>> 15)) >>> 0;
}

function numberOf(profile: string, h: number): number {
  const normal = (((h >>> 8) & 0xffff) - 32768) / 8192;
  const pick = h & 31;
  const table = TABLES[profile];
  if (table) return pick < table.length ? Math.fround(table[pick]) : normal;
  switch (profile[0]) {
    case 'n':
      return normal;
    case 'p':
      return (((h >>> 8) & 0xffff) + 1) / 16384;
    case 't':
      return (h % 5) - 2;
    case 'b':
      return h & 1;
    case 'a':
      return (h & 1 ? -1 : 1) * (1 + ((h >>> 8) & 0xffff) / 65536) * 2 ** (((h >>> 1) % 100) - 3);
    case 'l':
      return 100000 + ((h >>> 8) % 4);
    case 'g':
      return pick < 16 ? Math.fround(1e30) : -1;
    case 'i':
      return (h % 101) - 50;
    case 'u':
      return h % 101;
    case 'w':
      return pick < WIDE.length ? WIDE[pick] : h | 0;
    case 'v':
      return pick < WIDE.length ? WIDE[pick] >>> 0 : h;
    case 'k':
      return h % Number(profile.slice(1));
    case 'K':
      return (h & 3) === 0 ? -100 : (h >>> 4) % Number(profile.slice(1));
    default:
      throw new Error(`torch oracle: profile ${profile} is not known.`);
  }
}

/** The `n` values of an input. */
export function valuesOf(profile: string, seed: number, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => numberOf(profile, hash(seed, i)));
}
