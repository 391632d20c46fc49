/** Endings of files of text and tokens. */
const ENDING = /(\.(txt|text|md|jsonl|ndjson|parquet|bin))?(\.gz|\.zst)?$/;

/**
 * A name for each source, all different: `web` for `/data/web.jsonl.gz`; a bundled text keeps its name. Sources of one name
 * get as much of their paths as tells them apart (`a/train.jsonl`, `b/train.jsonl`), and the same path again a number (`#2`).
 */
export function sourceNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) =>
    path
      .replace(/^builtin:/, '')
      .split(/[\\/]+/)
      .filter((part) => part !== ''),
  );
  const names = parts.map((of) => (of.at(-1) ?? '').replace(ENDING, '') || (of.at(-1) ?? ''));
  const deepest = Math.max(1, ...parts.map(({ length }) => length));
  for (let depth = 1; depth <= deepest; depth++) {
    for (const i of repeated(names)) names[i] = parts[i].slice(-depth).join('/');
  }
  const seen = new Map<string, number>();
  return names.map((name) => {
    let unique = name;
    for (let count = seen.get(name) ?? 0; count > 0 && seen.has(unique); count++) unique = `${name}#${count + 1}`;
    seen.set(name, (seen.get(name) ?? 0) + 1);
    if (unique !== name) seen.set(unique, 1);
    return unique;
  });
}

/** Indices of the names that occur more than once. */
function repeated(names: readonly string[]): number[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return names.flatMap((name, i) => ((counts.get(name) as number) > 1 ? [i] : []));
}
