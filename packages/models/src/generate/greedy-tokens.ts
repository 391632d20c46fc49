import type { Platform } from '@modajs/tensor';
import type { ChosenToken, TokenDecoder } from '../decode/token-decoder.ts';
import { requireNumbers } from './sample-token.ts';

/** Tokens that the device is ahead of the host. */
const AHEAD = 4;

/**
 * The `count` most probable tokens after `last`, chosen on the device; the host reads them while later ones are computed.
 *
 * @throws DataError when a logit is NaN; DeviceError when workgroups that should run together did not
 */
export async function* greedyTokens(
  decoder: TokenDecoder,
  last: number,
  count: number,
  signal?: Platform<'AbortSignal'>,
): AsyncGenerator<ChosenToken, void, void> {
  const underWay: Promise<ChosenToken>[] = [];
  decoder.feed(last);
  try {
    for (let issued = 0; (issued < count || underWay.length > 0) && !signal?.aborted; ) {
      while (issued < count && underWay.length < AHEAD) {
        issued++;
        const next = issued < count ? decoder.chooseAndFeed() : decoder.choose();
        // A failure shows when the token's turn comes, however long its reader takes.
        next.catch(() => {});
        underWay.push(next);
      }
      const token = await underWay.shift()!;
      if (Number.isNaN(token.logProb)) await decoder.requireProgress();
      requireNumbers(token.logProb);
      yield token;
    }
  } finally {
    await Promise.allSettled(underWay);
  }
}
