import { shown, TokenizerError } from '../errors.ts';
import { LIMITS } from './limits.ts';

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Refuses a file for what stands at `place`. */
export function refuse(place: string, problem: string): never {
  throw new TokenizerError('tokenizer', `${place} ${problem}`, { place });
}

/**
 * An object of a `tokenizer.json`, read field by field: a field of another type than asked is refused with its place, and a
 * field that is missing or null has the default, or is refused where there is none.
 */
export class Part {
  readonly place: string;
  readonly json: Readonly<Record<string, unknown>>;

  constructor(json: unknown, place: string) {
    if (!isObject(json)) refuse(place, `must be an object, got ${shown(json)}.`);
    this.json = json;
    this.place = place;
  }

  /** The kind of a component. */
  get type(): string {
    return this.text('type');
  }

  /** A component of an unknown kind. */
  refuseType(known: string): never {
    refuse(`${this.place}.type`, `must be ${known}, got ${shown(this.json['type'])}.`);
  }

  /** The value of an own field; undefined when it is missing or null. */
  get(key: string): unknown {
    return Object.hasOwn(this.json, key) ? (this.json[key] ?? undefined) : undefined;
  }

  flag(key: string, fallback: boolean): boolean {
    return this.#checked(key, fallback, 'true or false', (value) => typeof value === 'boolean');
  }

  text(key: string, fallback?: string): string {
    return this.#checked(key, fallback, 'a string', (value) => typeof value === 'string');
  }

  /** Text that may be put into every word, so it is short. */
  inserted(key: string, fallback?: string): string {
    return this.#checked(
      key,
      fallback,
      `a string of at most ${LIMITS.insertedText} characters`,
      (value) => typeof value === 'string' && value.length <= LIMITS.insertedText,
    );
  }

  /** One character: a code point, which may be two UTF-16 units. */
  character(key: string, fallback?: string): string {
    return this.#checked(
      key,
      fallback,
      'one character',
      (value) => typeof value === 'string' && [...value].length === 1,
    );
  }

  choice<T extends string>(key: string, choices: readonly T[], fallback?: T): T {
    return this.#checked(key, fallback, choices.join(' or '), (value) => choices.includes(value as T));
  }

  /** An integer from `least` to `most`. */
  integer(key: string, [least, most]: readonly [number, number], fallback?: number): number {
    return this.#checked(
      key,
      fallback,
      `an integer from ${least} to ${most}`,
      (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
    );
  }

  list(key: string, fallback?: readonly unknown[]): readonly unknown[] {
    return this.#checked(key, fallback, 'an array', Array.isArray);
  }

  /** A list of components. */
  parts(key: string): Part[] {
    return this.list(key).map((value, index) => new Part(value, `${this.place}.${key}[${index}]`));
  }

  /** An object inside this one. */
  part(key: string, fallback?: Readonly<Record<string, unknown>>): Part {
    return new Part(this.get(key) ?? fallback, `${this.place}.${key}`);
  }

  #checked<T>(key: string, fallback: T | undefined, what: string, holds: (value: unknown) => boolean): T {
    const value = this.get(key) ?? fallback;
    if (!holds(value)) refuse(`${this.place}.${key}`, `must be ${what}, got ${shown(this.json[key])}.`);
    return value as T;
  }
}

/** What a component is when the file has none or null. */
export const partOf = (config: Readonly<Record<string, unknown>>, key: string): Part | undefined =>
  config[key] === undefined || config[key] === null ? undefined : new Part(config[key], key);
