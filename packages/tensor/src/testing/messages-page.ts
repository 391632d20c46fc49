/** A wrong call of a function: which argument was wrong and how, and what the function said. */
export interface Refusal {
  readonly name: string;
  readonly label: string;
  readonly message: string;
}

interface Parts {
  /** What must hold, without the function's name and what came. */
  readonly rule: string;
  readonly cure: string;
}

/** `operation: rule, got <values>. <cure>` in its parts. */
function partsOf(message: string): Parts {
  const text = message.replace(/^[^:]+: /, '').replace(/\s+/g, ' ');
  const [, before, after] = /^(.*?, got )(.*)$/.exec(text) ?? [text, text, ''];
  const end = after.search(/\. (?=[A-Z`])/);
  const cure = end < 0 ? '' : after.slice(end + 2);
  return { rule: after === '' ? text : `${before}...`, cure: cure.trim() };
}

/** Messages that differ in numbers and dtypes alone are one. */
function kindOf(message: string): string {
  const { rule, cure } = partsOf(message);
  return `${rule}\n${cure}`.replace(/-?\d+(\.\d+)?/g, '#').replace(/\b(f#|bf#|i#|u#)(?= one)/g, 'dtype');
}

const MARKDOWN = /[\\|<>*_[\]]/g;
const cell = (text: string): string => text.replace(MARKDOWN, '\\$&');

/** `f: argument 1, null; argument 2, a list`: at most two of a function. */
function causes(refusals: readonly Refusal[]): string {
  const labels = [...new Set(refusals.map(({ label }) => label.replace(': ', ', ')))];
  const more = labels.length > 2 ? ` and ${labels.length - 2} more` : '';
  return `\`${refusals[0].name}\`: ${labels.slice(0, 2).join('; ')}${more}`;
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups.values()];
}

function row(refusals: readonly Refusal[]): string {
  const { rule, cure } = partsOf(refusals[0].message);
  const functions = grouped(refusals, ({ name }) => name);
  const also = functions.length > 1 ? ', and of other functions' : '';
  return `| ${cell(rule)} | ${cell(causes(functions[0]))}${also} | ${cell(cure) || 'in the message'} |`;
}

const table = (rows: readonly (readonly Refusal[])[]): string =>
  ["| message, after the function's name | the call, for example | cure |", '|---|---|---|', ...rows.map(row)].join(
    '\n',
  );

/** All messages as a page: first those of several functions, then those of one, function by function. */
export function messagesPage(refusals: readonly Refusal[]): string {
  const messages = grouped(refusals, ({ message }) => kindOf(message));
  const spread = (group: readonly Refusal[]): number => new Set(group.map(({ name }) => name)).size;
  const [shared, own] = [
    messages.filter((group) => spread(group) > 1),
    messages.filter((group) => spread(group) === 1),
  ];
  // Not by how many functions: a new operator with known mistakes must leave the page as it is.
  shared.sort(([a], [b]) => (partsOf(a.message).rule < partsOf(b.message).rule ? -1 : 1));
  const sections = grouped(own, ([{ name }]) => name).sort(([[a]], [[b]]) => (a.name < b.name ? -1 : 1));
  return `# Messages

What \`@modajs/tensor\` says to wrong arguments. A message names the function, says what must hold and
what came (\`...\` below), and ends with the cure.

This page is written by the test that tries all these calls, \`packages/tensor/src/calls.test.ts\`; after a change,
\`npx vitest run src/calls.test.ts -u\` in \`packages/tensor\` writes it anew.

## What several functions say

${table(shared)}

## What one function says

${sections.map((section) => `### ${section[0][0].name}\n\n${table(section)}`).join('\n\n')}
`;
}
