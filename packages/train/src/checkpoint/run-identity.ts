import { CheckpointError } from '@modajs/tensor';

/** Settings that must be the same when a run resumes, by dotted key; lists as their JSON text. */
export type RunIdentity = Readonly<Record<string, string | number | boolean | null>>;

/** A tree of settings as dotted keys; lists become their JSON text. */
export function flattenIdentity(tree: object, prefix = ''): RunIdentity {
  const flat: Record<string, string | number | boolean | null> = {};
  for (const [key, value] of Object.entries(tree)) {
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      Object.assign(flat, flattenIdentity(value, `${prefix}${key}.`));
    } else {
      flat[prefix + key] = typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
    }
  }
  return flat;
}

/**
 * Compares what a checkpoint was saved with and what a run is about to do.
 *
 * @param saved of the checkpoint; one of an older version goes through `completeIdentity` first
 * @param writtenBy versions that wrote the checkpoint, for the message about a setting that this version does not know
 * @throws CheckpointError naming the first setting that differs, and how to go on
 */
export function requireSameIdentity(
  saved: RunIdentity,
  current: RunIdentity,
  writtenBy: Readonly<Record<string, string>> = {},
): void {
  for (const key of Object.keys(saved)) {
    if (Object.hasOwn(current, key)) continue;
    const writers = Object.entries(writtenBy).map(([name, version]) => `${name} ${version}`);
    throw new CheckpointError(
      `checkpoint: ${key} is ${saved[key]} in the checkpoint, which this version does not know. ` +
        `Resume with the version that wrote it${writers.length > 0 ? ` (${writers.join(', ')})` : ''}.`,
      { key, saved: saved[key] },
    );
  }
  for (const key of Object.keys(current)) {
    if (saved[key] === current[key]) continue;
    const isKnown = Object.hasOwn(saved, key);
    throw new CheckpointError(
      `checkpoint: ${key} is ${isKnown ? saved[key] : 'not given'} in the checkpoint but ${current[key]} in the configuration. ` +
        `${isKnown ? cureOf(key, saved[key]) : `Leave out ${key}`}, or start a run of another name.`,
      { key, saved: saved[key], current: current[key] },
    );
  }
}

function cureOf(key: string, value: RunIdentity[string]): string {
  if (key.endsWith('sha256')) return `Restore the file that ${key.replace(/\.?sha256$/, '')} was`;
  return `Resume with ${key}=${value}`;
}
