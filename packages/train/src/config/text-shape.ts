import { Field, type Section } from './field.ts';

/**
 * Where text stands in a YAML value. Scalars there are taken as they are written, so that `12e4567`, `1.10`, `007` and
 * `true` stay what they are; `null` and `~` stay null. The entries of a list have the shape of the list.
 */
export interface TextShape {
  /** The value itself, or the entries of a list. */
  readonly isText?: boolean;
  /** Keys of a mapping. */
  readonly keys?: Readonly<Record<string, TextShape>>;
  /** All other keys of a mapping. */
  readonly otherKeys?: TextShape;
}

/** Where a section of settings holds text. */
export function textShapeOf(section: Section): TextShape {
  const entries = Object.entries(section).map(([key, entry]) => [
    key,
    entry instanceof Field ? entry.texts : textShapeOf(entry),
  ]);
  return { keys: Object.fromEntries(entries) };
}

/** The shape of a key's value. */
export function shapeOfKey({ keys, otherKeys = {} }: TextShape, key: string): TextShape {
  return keys && Object.hasOwn(keys, key) ? keys[key] : otherKeys;
}
