import { CheckpointError, shown } from '@modajs/tensor';
import { harmlessKeys } from './config-keys.ts';

/** The content of a `config.json`, or a mapping inside it. */
export type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a `config.json` key by key and knows at the end which nobody asked for, so that a field that changes the
 * computation is applied or refused, never ignored. An absent key and one that is `null` have the default.
 */
export class CheckedConfig {
  private readonly asked = new Set<string>();

  constructor(
    private readonly json: Json,
    private readonly where = 'config.json',
  ) {}

  /** A whole number from 1. @throws CheckpointError when it is something else, or absent without a default */
  count(key: string, fallback?: number): number {
    const value = this.given(key) ?? fallback;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    throw this.wrong(key, value, 'a whole number >= 1', 'Is the file complete?');
  }

  /** A whole number from 0. @throws CheckpointError when it is something else */
  whole(key: string): number {
    const value = this.given(key);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.wrong(key, value, 'a whole number >= 0', 'Is the file complete?');
  }

  /** A finite number above 0. @throws CheckpointError when it is something else */
  positive(key: string, fallback?: number): number {
    const value = this.given(key) ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    throw this.wrong(key, value, 'a number > 0', 'Write it as a JSON number.');
  }

  /** As `count`, where null means something else than an absent key: null when it is null. */
  countOrNull(key: string, fallback: number | null): number | null {
    if (this.isNull(key)) return null;
    return fallback === null && !this.has(key) ? null : this.count(key, fallback ?? undefined);
  }

  /** As `positive`, null when the key is null. */
  positiveOrNull(key: string, fallback: number | null): number | null {
    if (this.isNull(key)) return null;
    return fallback === null && !this.has(key) ? null : this.positive(key, fallback ?? 1);
  }

  /** What a value's name stands for. @throws CheckpointError for a name that is not in the table, listing those that are */
  choice<Value>(key: string, table: Readonly<Record<string, Value>>, fallback: string): Value {
    const value = this.given(key) ?? fallback;
    if (typeof value === 'string' && Object.hasOwn(table, value)) return table[value];
    const names = Object.keys(table)
      .map((name) => JSON.stringify(name))
      .join(', ');
    throw this.wrong(key, value, `one of ${names}`, 'This variant is not supported.');
  }

  /** A list of positive numbers. @throws CheckpointError when it is something else */
  positives(key: string): readonly number[] {
    const values = this.list(key);
    if (
      values.length > 0 &&
      values.every((value) => typeof value === 'number' && value > 0 && Number.isFinite(value))
    ) {
      return values as number[];
    }
    throw this.wrong(key, values, 'a list of numbers > 0', 'Is the file complete?');
  }

  /** Whether the key is there and null. */
  isNull(key: string): boolean {
    this.asked.add(key);
    return Object.hasOwn(this.json, key) && this.json[key] === null;
  }

  /** True or false. @throws CheckpointError when it is something else */
  flag(key: string, fallback: boolean): boolean {
    const value = this.given(key) ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.wrong(key, value, 'true or false', 'Write it as a JSON boolean.');
  }

  /** A mapping, read the same way; absent or null gives null. @throws CheckpointError when it is something else */
  mapping(key: string): CheckedConfig | null {
    const value = this.given(key);
    if (value === undefined) return null;
    if (typeof value === 'object' && !Array.isArray(value))
      return new CheckedConfig(value as Json, `config.json: ${key}`);
    throw this.wrong(key, value, 'an object', 'Is the file complete?');
  }

  /** A list; absent or null gives an empty one. @throws CheckpointError when it is something else */
  list(key: string): readonly unknown[] {
    const value = this.given(key) ?? [];
    if (Array.isArray(value)) return value;
    throw this.wrong(key, value, 'a list', 'Is the file complete?');
  }

  /** Whether the key is there and not null. */
  has(key: string): boolean {
    return this.given(key) !== undefined;
  }

  /**
   * A key of which only some values are supported; absent counts as the first.
   *
   * @throws CheckpointError for any other value
   */
  mustBe(key: string, ...supported: readonly (string | number | boolean)[]): void {
    const value = this.given(key) ?? supported[0];
    if (supported.includes(value as string)) return;
    const expected = supported.map((one) => JSON.stringify(one)).join(' or ');
    throw this.wrong(key, value, expected, 'This variant is not supported.');
  }

  /** A list or mapping that must be empty. @throws CheckpointError when it is not */
  mustBeEmpty(key: string): void {
    const value = this.given(key);
    if (value === undefined || (typeof value === 'object' && Object.keys(value as object).length === 0)) return;
    throw this.wrong(key, value, 'empty', 'This variant is not supported.');
  }

  /** Says that a key has no effect on this model. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.asked.add(key);
  }

  /** @throws CheckpointError naming the first key that was neither read nor known to be harmless */
  finish(): void {
    for (const [key, value] of Object.entries(this.json)) {
      if (value === null || this.asked.has(key) || harmlessKeys.has(key)) continue;
      throw this.wrong(
        key,
        value,
        'left out or null: what it changes is not known here',
        'If it changes nothing, remove it.',
      );
    }
  }

  private given(key: string): unknown {
    this.asked.add(key);
    const value = Object.hasOwn(this.json, key) ? this.json[key] : undefined;
    return value === null ? undefined : value;
  }

  /** What is said of a value that is not what it must be. */
  wrong(key: string, value: unknown, expected: string, cure: string): CheckpointError {
    const got = value === undefined ? 'nothing' : shown(value);
    return new CheckpointError(`${this.where}: ${key} must be ${expected}, got ${got}. ${cure}`, { key, value });
  }
}
