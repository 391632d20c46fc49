import { useEffect, useState } from 'preact/hooks';

/** A value that belongs to the window, not to a page: components follow it with `useWatched`. */
export class WatchedValue<T> {
  readonly #followers = new Set<() => void>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    this.#value = value;
    for (const follower of this.#followers) follower();
  }

  /** Calls back after each change; returns what ends that. */
  follow(follower: () => void): () => void {
    this.#followers.add(follower);
    return () => {
      this.#followers.delete(follower);
    };
  }
}

/** A watched value, anew with each change. */
export function useWatched<T>(watched: WatchedValue<T>): T {
  const [value, setValue] = useState(watched.value);
  useEffect(() => {
    // By function: a value that is one itself is stored, not called.
    const follow = (): void => setValue(() => watched.value);
    follow();
    return watched.follow(follow);
  }, [watched]);
  return value;
}
