import { ConfigError, nearestKey } from '@modajs/tensor';
import { type ConfigOf, Field, type Section } from './field.ts';

/** Raw settings as a YAML file or `--set` gives them. */
export type RawConfig = Readonly<Record<string, unknown>>;

function isMapping(value: unknown): value is RawConfig {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every dotted key of a section, depth first. */
export function configKeys(section: Section, prefix = ''): string[] {
  return Object.entries(section).flatMap(([key, entry]) =>
    entry instanceof Field ? [`${prefix}${key}`] : configKeys(entry, `${prefix}${key}.`),
  );
}

/**
 * Later layers win; mappings merge key by key, lists and scalars are replaced whole. A name is short for a mapping of its `kind`
 * (`depth: moda`): options that are laid over it are those of that kind. The inputs are not changed.
 */
export function mergeConfigs(...layers: readonly RawConfig[]): RawConfig {
  // A map: `toString` and `__proto__` are keys like any other, to be refused by their name.
  const merged = new Map<string, unknown>();
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer)) {
      const before = merged.get(key);
      const below = typeof before === 'string' ? { kind: before } : before;
      merged.set(key, isMapping(below) && isMapping(value) ? mergeConfigs(below, value) : value);
    }
  }
  return Object.fromEntries(merged);
}

/** What a setting is that the raw settings leave out: its default, or what runs did before it existed (`Field.since`). */
export type AbsentSettings = 'default' | 'earlier';

/**
 * Checks raw settings against a section and fills in those that are left out.
 *
 * @param where named at the start of an error: `config`, or the file
 * @throws ConfigError for an unknown key (with the nearest valid one) or a value of the wrong type or range
 */
export function resolveConfig<S extends Section>(
  section: S,
  raw: RawConfig,
  where = 'config',
  absent: AbsentSettings = 'default',
): ConfigOf<S> {
  return resolveSection(section, raw, '', { where, absent, keys: configKeys(section) }) as ConfigOf<S>;
}

interface Resolution {
  readonly where: string;
  readonly absent: AbsentSettings;
  /** Every valid dotted key. */
  readonly keys: readonly string[];
}

function resolveSection(section: Section, raw: RawConfig, prefix: string, resolution: Resolution): RawConfig {
  const { where, absent, keys } = resolution;
  for (const key of Object.keys(raw)) {
    if (Object.hasOwn(section, key)) continue;
    const nearest = nearestKey(prefix + key, keys);
    const cure = nearest === null ? `Valid here: ${Object.keys(section).join(', ')}.` : `Did you mean "${nearest}"?`;
    throw new ConfigError(`${where}: unknown key "${shortened(prefix + key)}". ${cure}`, {
      key: prefix + key,
      nearest,
    });
  }
  const resolved: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(section)) {
    const value = raw[key];
    const path = prefix + key;
    if (entry instanceof Field) {
      if (value !== undefined) resolved[key] = parseField(entry, value, where, path);
      else resolved[key] = absent === 'earlier' ? entry.earlier : entry.defaultValue;
    } else {
      if (value !== undefined && !isMapping(value)) throw wrongValue(where, path, 'a mapping', value);
      resolved[key] = resolveSection(entry, value ?? {}, `${path}.`, resolution);
    }
  }
  return resolved;
}

function parseField(field: Field<unknown>, value: unknown, where: string, path: string): unknown {
  const parsed = field.parse(value);
  if (parsed === undefined) throw wrongValue(where, path, field.expects, value);
  return parsed;
}

function wrongValue(where: string, path: string, expects: string, value: unknown): ConfigError {
  return new ConfigError(
    `${where}: ${path} must be ${expects}, got ${shortened(JSON.stringify(value))}. Change it or leave it out.`,
    {
      key: path,
      value,
    },
  );
}

/** What came may be longer than a message should be. */
export function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
