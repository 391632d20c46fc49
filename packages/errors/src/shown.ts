const longest = 120;
const mostItems = 8;
const deepest = 3;

/** A method by which a class says how its values stand in error messages, on one line. */
export const SHOWN: unique symbol = Symbol.for('@modajs/errors: shown');

/**
 * A value of any kind in an error message: on one line of at most 120 characters, however long or deep the value is, whatever
 * it holds. Text is quoted, with control characters escaped; lists and plain objects show their first eight entries, three
 * levels deep; other objects
 * say it themselves (`SHOWN`) or are named by their class.
 */
export function shown(value: unknown): string {
  const text = written(value, 0);
  return text.length > longest ? `${text.slice(0, longest - 3)}...` : text;
}

function written(value: unknown, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, longest));
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value))
    return depth === deepest ? '[..]' : `[${entries(value, (item) => written(item, depth + 1))}]`;
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) {
    if (depth === deepest) return '{..}';
    return `{${entries(Object.entries(value), ([key, item]) => `${written(key, 0)}: ${written(item, depth + 1)}`)}}`;
  }
  if (SHOWN in value) return (value as { [SHOWN](): string })[SHOWN]();
  const name = (prototype.constructor as { name?: string } | undefined)?.name ?? '';
  return name === '' ? 'an object' : `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

function entries<T>(list: readonly T[], write: (item: T) => string): string {
  return [...Array.from(list.slice(0, mostItems), write), ...(list.length > mostItems ? ['..'] : [])].join(', ');
}
