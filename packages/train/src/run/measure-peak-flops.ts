import { type Device, matmul, noGrad, randomNormal, tidy, withoutScope } from '@modajs/tensor';

/** Sides that are tried, smallest first. */
const SIDES = [256, 512, 1024, 2048, 4096];
/** A side whose product takes this long shows the device at work; larger ones only take longer. */
const LONG_ENOUGH_MS = 8;
const REPEATS = 3;

/**
 * FLOP/s of the device in a square matrix product in `dtype`, the best over sizes and repeats: what this library reaches at
 * most, and so the 100 % of a model's utilisation. Takes a fraction of a second.
 */
export async function measurePeakFlops(device: Device, dtype: 'f32' | 'f16'): Promise<number> {
  let best = 0;
  for (const side of SIDES) {
    const [a, b] = withoutScope(() =>
      [1, 2].map((seed) => randomNormal([side, side], { seed, device, dtype, std: 1 / side })),
    );
    let fastestMs = Infinity;
    // One more than counts: the first compiles.
    for (let repeat = -1; repeat < REPEATS; repeat++) {
      const timeMs = await timeOf(device, () => noGrad(() => tidy(() => void matmul(a, b))));
      if (repeat >= 0) fastestMs = Math.min(fastestMs, timeMs);
    }
    a.dispose();
    b.dispose();
    best = Math.max(best, (2 * side ** 3 * 1000) / fastestMs);
    if (fastestMs > LONG_ENOUGH_MS) break;
  }
  return best;
}

async function timeOf(device: Device, work: () => void): Promise<number> {
  await device.synchronize();
  const startedAt = performance.now();
  work();
  await device.synchronize();
  return performance.now() - startedAt;
}
