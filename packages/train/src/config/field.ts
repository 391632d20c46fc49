import type { TextShape } from './text-shape.ts';

/** What a JSON Schema says about a value. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What most settings do not need to say. */
export interface FieldOptions<T> {
  /** What a run did that was saved before this setting existed; the default when left out. */
  readonly earlier?: T;
  /** Where the value holds text, which YAML must not read as a number or a switch; nowhere when left out. */
  readonly texts?: TextShape;
  /** What an editor may check of the raw value; nothing when left out. */
  readonly json?: JsonSchema;
}

/** One setting: its default, what it accepts in words, and how a raw YAML value becomes a checked one. */
export class Field<T> {
  readonly earlier: T;
  readonly texts: TextShape;
  readonly json: JsonSchema;

  constructor(
    readonly defaultValue: T,
    /** Completes "must be ...": `a positive integer`. */
    readonly expects: string,
    readonly help: string,
    /** The checked value, or undefined when the raw value is not acceptable. */
    readonly parse: (value: unknown) => T | undefined,
    options: FieldOptions<T> = {},
  ) {
    this.earlier = 'earlier' in options ? (options.earlier as T) : defaultValue;
    this.texts = options.texts ?? {};
    this.json = options.json ?? {};
  }

  /**
   * For a setting that is added to a released version with a default of another behaviour: what runs did before it. A run
   * that was saved without the setting goes on with this value; a new one takes the default.
   */
  since(earlier: T): Field<T> {
    const { defaultValue, expects, help, parse, texts, json } = this;
    return new Field(defaultValue, expects, help, parse, { earlier, texts, json });
  }
}

/** A tree of settings; the shape of a configuration file. */
export interface Section {
  readonly [key: string]: Field<unknown> | Section;
}

/** The configuration that a section describes. */
export type ConfigOf<S> = {
  -readonly [K in keyof S]: S[K] extends Field<infer T> ? T : ConfigOf<S[K]>;
};

interface Range {
  readonly min?: number;
  readonly max?: number;
  /** Exclude `min` itself. */
  readonly above?: number;
}

function within(value: number, { min = -Infinity, max = Infinity, above = -Infinity }: Range): boolean {
  return value >= min && value <= max && value > above;
}

function rangeWords(range: Range): string {
  const parts = [];
  if (range.above !== undefined) parts.push(`above ${range.above}`);
  if (range.min !== undefined) parts.push(`at least ${range.min}`);
  if (range.max !== undefined) parts.push(`at most ${range.max}`);
  return parts.length > 0 ? ` ${parts.join(' and ')}` : '';
}

function rangeJson(type: 'number' | 'integer', { min, max, above }: Range): JsonSchema {
  const limits = Object.entries({ minimum: min, maximum: max, exclusiveMinimum: above });
  return { type, ...Object.fromEntries(limits.filter(([, limit]) => limit !== undefined)) };
}

/** A finite number within a range. */
export function number(defaultValue: number, help: string, range: Range = {}): Field<number> {
  const parse = (value: unknown) =>
    typeof value === 'number' && Number.isFinite(value) && within(value, range) ? value : undefined;
  return new Field(defaultValue, `a number${rangeWords(range)}`, help, parse, { json: rangeJson('number', range) });
}

/** A safe integer within a range. */
export function integer(defaultValue: number, help: string, range: Range = {}): Field<number> {
  const parse = (value: unknown) =>
    Number.isSafeInteger(value) && within(value as number, range) ? (value as number) : undefined;
  return new Field(defaultValue, `an integer${rangeWords(range)}`, help, parse, { json: rangeJson('integer', range) });
}

/** A string; an empty one is refused. In YAML it needs no quotes: `007`, `1.10` and `true` are text here. */
export function text(defaultValue: string, help: string): Field<string> {
  const parse = (value: unknown) => (typeof value === 'string' && value.length > 0 ? value : undefined);
  // An editor reads YAML without knowing that a number is text here.
  const json = { type: ['string', 'number', 'boolean'] };
  return new Field(defaultValue, 'text', help, parse, { texts: { isText: true }, json });
}

export function flag(defaultValue: boolean, help: string): Field<boolean> {
  const parse = (value: unknown) => (typeof value === 'boolean' ? value : undefined);
  return new Field(defaultValue, 'true or false', help, parse, { json: { type: 'boolean' } });
}

/** One of a few words. */
export function choice<const C extends string>(choices: readonly C[], defaultValue: C, help: string): Field<C> {
  const parse = (value: unknown) => choices.find((c) => c === value);
  return new Field(defaultValue, `one of ${choices.join(', ')}`, help, parse, { json: { enum: choices } });
}

/** The field or null; null is the default. */
export function optional<T>(field: Field<T>): Field<T | null> {
  const { expects, help, parse, texts, json } = nullable(field);
  return new Field<T | null>(null, expects, help, parse, { texts, json });
}

/** The field or null; its default stays. */
export function nullable<T>(field: Field<T>): Field<T | null> {
  const parse = (value: unknown) => (value === null ? null : field.parse(value));
  return new Field<T | null>(field.defaultValue, `${field.expects}, or null`, field.help, parse, {
    texts: field.texts,
    json: { anyOf: [field.json, { type: 'null' }] },
  });
}

/** A list whose entries all satisfy `item`. A single entry stands for a list of one. */
export function list<T>(item: Field<T>, defaultValue: readonly T[], help: string): Field<readonly T[]> {
  const parse = (value: unknown): readonly T[] | undefined => {
    const entries = (Array.isArray(value) ? value : [value]).map((entry) => item.parse(entry));
    return entries.some((entry) => entry === undefined) ? undefined : (entries as T[]);
  };
  return new Field<readonly T[]>(defaultValue, `a list, each entry ${item.expects}`, help, parse, {
    texts: item.texts,
    json: { anyOf: [item.json, { type: 'array', items: item.json }] },
  });
}

/** A mapping that another package checks (the model's own configuration); `texts` says which of its keys hold text. */
export function open(help: string, texts: TextShape = {}): Field<Readonly<Record<string, unknown>>> {
  const parse = (value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  return new Field<Readonly<Record<string, unknown>>>({}, 'a mapping', help, parse, {
    texts,
    json: { type: 'object' },
  });
}
