import type { Collective } from './collective.ts';
import { allReduceHops, allReduceShare } from './simulate-ranks.ts';
import type { Link } from './throttled-collective.ts';

const SMALL = 16;
const LARGE = 1 << 20;
const REPEATS = 5;

/**
 * The link between ranks as the simulator has it, from sums over all ranks: small ones take a latency for each hop, large ones
 * their bytes on top. The fastest of five, of the slowest rank; the same result on every rank. Every rank calls it.
 *
 * @param now milliseconds
 */
export async function measureLink(collective: Collective, now: () => number = () => performance.now()): Promise<Link> {
  const timeOf = async (length: number): Promise<number> => {
    const buffer = new Float32Array(length);
    let best = Infinity;
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      await collective.barrier();
      const startedAt = now();
      await collective.allReduce(buffer);
      best = Math.min(best, now() - startedAt);
    }
    const slowest = Float64Array.of(best);
    await collective.allReduce(slowest, 'max');
    return slowest[0];
  };
  const { size } = collective;
  const small = await timeOf(SMALL);
  const large = await timeOf(LARGE);
  const bytes = Float32Array.BYTES_PER_ELEMENT * (LARGE - SMALL) * allReduceShare(size);
  // Shared memory may be too fast for the clock.
  return { bitsPerSecond: (8000 * bytes) / Math.max(1e-3, large - small), latencyMs: small / allReduceHops(size) };
}
