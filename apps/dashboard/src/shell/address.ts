import { useCallback } from 'preact/hooks';
import { useWatched, WatchedValue } from '../ui/watched-value.ts';
import { hashWith, paramOf } from './hash-params.ts';

const hash = new WatchedValue(location.hash);
window.addEventListener('hashchange', () => {
  hash.value = location.hash;
});

/** The address's hash, anew with each change. */
export const useHash = (): string => useWatched(hash);

/**
 * A parameter of the page's address, so that what is shown can be shared as a link. The value that is meant when there is none
 * stands for itself and is not written.
 *
 * @param read takes what the address says, which anyone may have typed, and gives null for what is no value
 */
export function useAddress<T extends string>(
  key: string,
  fallback: T,
  read: (text: string) => T | null,
): readonly [T, (next: T) => void] {
  const text = paramOf(useHash(), key);
  const value = (text === null ? null : read(text)) ?? fallback;
  const set = useCallback(
    (next: T) => {
      history.replaceState(null, '', hashWith(location.hash, key, next === fallback ? null : next));
      hash.value = location.hash;
    },
    [key, fallback],
  );
  return [value, set];
}
