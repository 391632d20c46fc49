import type { Collective } from './collective.ts';

/**
 * Gives every rank the root's value.
 *
 * @param value read on the root only; null elsewhere
 */
export async function broadcastJson<T>(collective: Collective, value: T | null, root = 0): Promise<T> {
  const isRoot = collective.rank === root;
  let bytes = isRoot ? new TextEncoder().encode(JSON.stringify(value)) : new Uint8Array(0);
  const length = Float64Array.of(bytes.length);
  await collective.broadcast(length, root);
  if (!isRoot) bytes = new Uint8Array(length[0]);
  await collective.broadcast(bytes, root);
  return isRoot ? (value as T) : JSON.parse(new TextDecoder().decode(bytes));
}
