import { flattenIdentity } from '../checkpoint/run-identity.ts';
import { broadcastJson } from './broadcast-json.ts';
import type { Collective } from './collective.ts';
import { CollectiveError, PeerFailedError } from './collective-error.ts';

/**
 * Compares settings with those of rank 0, on all ranks together.
 *
 * @throws CollectiveError on every rank, naming the first setting that differs and the ranks that differ in it; on all but
 *   the lowest of them as a PeerFailedError, so that one of them speaks
 */
export async function requireAgreement(collective: Collective, tree: object): Promise<void> {
  const own = flattenIdentity(tree);
  const expected = await broadcastJson(collective, own);
  const differing = [...new Set([...Object.keys(expected), ...Object.keys(own)])].find(
    (key) => expected[key] !== own[key],
  );
  await together(collective, () => {
    if (differing === undefined) return;
    throw new CollectiveError(
      `ranks: ${differing} is ${expected[differing]} on rank 0 but ${own[differing]} on rank ${collective.rank}. ` +
        'Start every rank with the same version and settings.',
      { key: differing, rank: collective.rank },
    );
  });
}

/**
 * Does work that may fail on some ranks only, and then fails on all: the lowest rank that failed throws its own error, the
 * others PeerFailedError. Without it the healthy ranks would wait for ever.
 */
export async function together<T>(collective: Collective, work: () => T | Promise<T>): Promise<T> {
  let result: { value: T } | { error: unknown };
  try {
    result = { value: await work() };
  } catch (error) {
    result = { error };
  }
  const failed = new Float64Array(collective.size);
  if ('error' in result) failed[collective.rank] = 1;
  await collective.allReduce(failed);
  const speaker = failed.indexOf(1);
  if (speaker < 0 && 'value' in result) return result.value;
  if (speaker === collective.rank && 'error' in result) throw result.error;
  throw new PeerFailedError(`ranks: rank ${speaker} could not go on.`, { rank: speaker });
}
