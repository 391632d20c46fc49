import { Field, type JsonSchema, type Section } from './field.ts';

/** What a reference says about one setting. */
export interface SettingEntry {
  /** Dotted key, as `--set` takes it. */
  readonly key: string;
  /** Default, as a YAML file would say it. */
  readonly defaultText: string;
  /** Completes "must be ...". */
  readonly expects: string;
  readonly help: string;
}

/** Every setting of a section in its order, for people. */
export function settingEntries(section: Section, prefix = ''): SettingEntry[] {
  return Object.entries(section).flatMap(([name, entry]) => {
    const key = `${prefix}${name}`;
    if (!(entry instanceof Field)) return settingEntries(entry, `${key}.`);
    const { expects, help, defaultValue } = entry;
    const defaultText = typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue);
    return [{ key, defaultText, expects, help }];
  });
}

/**
 * A JSON Schema of a section's YAML file, for editors. It lists every key and what single values must be; what settings must be
 * to each other only `resolveConfig` knows.
 */
export function settingsJsonSchema(section: Section): JsonSchema {
  const properties = Object.entries(section).map(([name, entry]) => {
    if (!(entry instanceof Field)) return [name, settingsJsonSchema(entry)] as const;
    const { json, help, expects, defaultValue } = entry;
    return [name, { ...json, description: `${help} (${expects})`, default: defaultValue }] as const;
  });
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) };
}
