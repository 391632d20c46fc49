const isRecord = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value) => Array.isArray(value) && value.length > 0 && value.every(isRecord);
const isNumbers = (value) => Array.isArray(value) && value.length > 0 && value.every((x) => typeof x === 'number');

/** What stands under the title of every page, and the keys that hold it in the files. */
const ORIGIN = {
  Date: ['date'],
  Adapter: ['adapter', 'environment adapter', 'adapter description', 'machine', 'machine cpu', 'device'],
  Driver: ['driver', 'environment driver'],
  Commit: ['commit'],
};

/** Four significant digits; whole numbers as they are. */
function formatNumber(value) {
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-3 ? value.toExponential(3) : String(Number(value.toPrecision(4)));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Text of one value; a list of numbers is its median and how many they are. */
function show(value) {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return formatNumber(value);
  if (isNumbers(value)) return `${formatNumber(median(value))} (${value.length})`;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/[\\|*_`[\]{}<>]/g, '\\$&').replace(/\s+/g, ' ');
}

/** Records inside a record become keys joined by a space; lists of records are left out. */
function flatten(record, prefix = '') {
  return Object.entries(record).flatMap(([key, value]) => {
    if (isList(value)) return [];
    return isRecord(value) ? flatten(value, `${prefix}${key} `) : [[prefix + key, value]];
  });
}

/** A row that holds lists of rows becomes those rows, each with the outer row's values before its own. */
function expand(row) {
  const own = flatten(row);
  const inner = Object.values(row).filter(isList).flat();
  return inner.length === 0 ? [new Map(own)] : inner.flatMap(expand).map((values) => new Map([...own, ...values]));
}

/** One table; what all rows share stands above it. */
function table(rows) {
  const keys = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const texts = (key) => rows.map((row) => show(row.get(key)));
  const shared = keys.filter((key) => rows.length > 1 && new Set(texts(key)).size === 1 && texts(key)[0] !== '');
  const columns = keys.filter((key) => !shared.includes(key) && texts(key).some((text) => text !== ''));
  const common = shared.map((key) => `${show(key)} ${texts(key)[0]}`).join('; ');
  return [
    ...(common ? [`All rows: ${common}.`, ''] : []),
    `| ${columns.map(show).join(' | ')} |`,
    `|${'---|'.repeat(columns.length)}`,
    ...rows.map((row) => `| ${columns.map((key) => show(row.get(key))).join(' | ')} |`),
    '',
  ];
}

/** All lists of records in a file's value, with the keys that lead to each. */
function lists(value, path = []) {
  if (isList(value)) return [{ name: path.join(' '), rows: value.flatMap(expand) }];
  return isRecord(value) ? Object.entries(value).flatMap(([key, inner]) => lists(inner, [...path, key])) : [];
}

/**
 * Where the numbers of a file come from.
 *
 * @param {object} result the parsed file
 * @returns {Record<'Date' | 'Adapter' | 'Driver' | 'Commit', string>}
 */
export function originOf(result) {
  const facts = new Map(flatten(result));
  const find = (keys) => show(keys.map((key) => facts.get(key)).find((value) => value !== undefined));
  const origin = Object.fromEntries(Object.entries(ORIGIN).map(([label, keys]) => [label, find(keys)]));
  // Some files write the driver into the adapter's text, and the commit into each row.
  const driver = origin.Driver || /driver ([\d.]+)/.exec(`${origin.Adapter} ${facts.get('machine') ?? ''}`)?.[1];
  const hasRowCommits = lists(result).some(({ rows }) => rows.some((row) => row.has('commit')));
  return {
    Date: origin.Date.slice(0, 10),
    Adapter: origin.Adapter || 'not recorded',
    Driver:
      driver ?? (facts.has('machine cpu') || /cores/.test(origin.Adapter) ? 'none: the processor' : 'not recorded'),
    Commit: origin.Commit || (hasRowCommits ? 'in each row' : 'not recorded'),
  };
}

/** Markdown of the page of one file of `benchmarks/`. */
export function benchmarkPage(name, result) {
  const origin = Object.entries(originOf(result)).map(([label, text]) => `| ${label} | ${text} |`);
  const notes = ['what', 'method', 'note', 'command', 'program'].filter((key) => typeof result[key] === 'string');
  const written = new Set(['schema', ...Object.values(ORIGIN).flat(), ...notes]);
  const facts = flatten(result).filter(([key]) => !written.has(key));
  return [
    `# ${name}`,
    '',
    '| | |',
    '|---|---|',
    ...origin,
    '',
    ...notes.flatMap((key) => [show(result[key]), '']),
    ...(facts.length > 0 ? ['## Values', '', '| what | value |', '|---|---|'] : []),
    ...facts.map(([key, value]) => `| ${show(key)} | ${show(value)} |`),
    '',
    ...lists(result).flatMap(({ name: list, rows }) => [`## ${show(list)}`, '', ...table(rows)]),
  ].join('\n');
}

/** Markdown of the list of all files, newest first. */
export function benchmarkIndex(results) {
  const rows = results
    .map(({ name, result }) => ({ name, ...originOf(result) }))
    .sort((a, b) => b.Date.localeCompare(a.Date) || a.name.localeCompare(b.name));
  return [
    '# Benchmarks',
    '',
    'These tables are made from the files in `benchmarks/` each time the site is built. A list of samples is shown as its median',
    'and, in brackets, how many there are. Times end in Ms, rates say their unit.',
    '',
    '| file | date | adapter | driver | commit |',
    '|---|---|---|---|---|',
    ...rows.map(
      (row) => `| [${row.name}](./${row.name}.md) | ${row.Date} | ${row.Adapter} | ${row.Driver} | ${row.Commit} |`,
    ),
    '',
  ].join('\n');
}
