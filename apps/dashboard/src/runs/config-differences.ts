/** A setting in which runs differ: its value in each run, `-` where there is none. */
export interface ConfigDifference {
  readonly key: string;
  readonly values: readonly string[];
}

/** Settings that are not the same in all configurations, by name. A single one has no differences. */
export function configDifferences(configs: readonly unknown[]): ConfigDifference[] {
  const flat = configs.map((config) => flatten(config));
  const keys = [...new Set(flat.flatMap((config) => [...config.keys()]))].sort();
  return keys
    .map((key) => ({ key, values: flat.map((config) => config.get(key) ?? '-') }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
}

/** Leaves of nested objects by dotted names; arrays are leaves. */
function flatten(value: unknown, prefix = '', leaves = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) flatten(inner, prefix === '' ? key : `${prefix}.${key}`, leaves);
  } else if (prefix !== '') leaves.set(prefix, typeof value === 'string' ? value : JSON.stringify(value));
  return leaves;
}
