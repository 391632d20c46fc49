/** Element `index` of an operand that was filled with `seed`: known here without reading gigabytes back. Exact in f16. */
export function randomValue(index: number, seed: number, amplitude = 1): number {
  let state = (Math.imul((index ^ seed) >>> 0, 747796405) + 2891336453) >>> 0;
  state = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0;
  state = ((state >>> 22) ^ state) >>> 0;
  return (((state & 1023) - 512) / 256) * amplitude;
}
