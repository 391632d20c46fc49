/** Path and parameters of a hash: `#/runs?axis=tokens` is page `runs` with `axis`. */
function partsOf(text: string): readonly [string, URLSearchParams] {
  const [path, query = ''] = text.replace(/^#\/?/, '').split('?', 2);
  return [path, new URLSearchParams(query)];
}

/** The hash with a parameter, or without it when it is null. */
export function hashWith(text: string, key: string, value: string | null): string {
  const [path, params] = partsOf(text);
  if (value === null) params.delete(key);
  else params.set(key, value);
  const query = params.toString().replaceAll('%2C', ',').replaceAll('%2F', '/').replaceAll('%3A', ':');
  return `#/${path}${query === '' ? '' : `?${query}`}`;
}

/** What a parameter of a hash says; null when it is absent. */
export function paramOf(text: string, key: string): string | null {
  return partsOf(text)[1].get(key);
}

/** One of some words: what `useAddress` reads where a choice is meant. */
export function oneOf<T extends string>(words: readonly T[]): (text: string) => T | null {
  return (text) => words.find((word) => word === text) ?? null;
}

/** A whole number of few digits, as it is written. */
export const wholeNumber = (text: string): string | null => (/^\d{1,9}$/.test(text) ? String(Number(text)) : null);
