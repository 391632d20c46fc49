import { mutateBytes } from './mutate-bytes.ts';
import type { Random } from './random.ts';

/** JSON with what `JSON.parse` loses: repeated keys, the spelling of numbers. */
type Node = { entries: [key: string, node: Node][] } | { items: Node[] } | { text: string };

const numbers = ['0', '-0', '-1', '1', '2', '0.5', '1e-320', '1e20', '1e308', '1e400', '-1e400'];
const wide = ['65536', '16777216', '2147483647', '2147483648', '4294967296', '9007199254740993', '1e15'];
const strings = [
  '""',
  '"a"',
  '"0"',
  '"1"',
  '"1e3"',
  '"\\u0000"',
  '"\\ud800"',
  '"__proto__"',
  '"../../x"',
  '"\u{1f600}"',
];
const containers = ['[]', '{}', '[[]]', '[null]', '{"__proto__":1}', '{"toString":"x"}', '{"length":-1}', '[1,2,3]'];
const scalars = ['null', 'true', 'false'];
const keys = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'length',
  '',
  'a',
  '\u0000',
  '\ud800',
];

function parse(value: unknown): Node {
  if (Array.isArray(value)) return { items: value.map(parse) };
  if (typeof value !== 'object' || value === null) return { text: JSON.stringify(value) };
  return { entries: Object.entries(value).map(([key, item]) => [key, parse(item)]) };
}

function print(node: Node): string {
  if ('text' in node) return node.text;
  if ('items' in node) return `[${node.items.map(print).join(',')}]`;
  return `{${node.entries.map(([key, item]) => `${JSON.stringify(key)}:${print(item)}`).join(',')}}`;
}

function children(node: Node): Node[] {
  if ('items' in node) return node.items;
  return 'entries' in node ? node.entries.map(([, item]) => item) : [];
}

/** A place in the tree, deep ones as likely as shallow ones. Wide objects are entered at random, so this costs the depth. */
function pickNode(root: Node, random: Random): Node {
  let node = root;
  for (;;) {
    const inner = children(node);
    if (inner.length === 0 || random.chance(0.25)) return node;
    node = random.pick(inner);
  }
}

function become(node: Node, other: Node): void {
  for (const key of Object.keys(node)) delete (node as Record<string, unknown>)[key];
  Object.assign(node, other);
}

function nest(node: Node, random: Random): void {
  const depth = random.pick([2, 10, 100, 1000, 10_000]);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
  ]);
  become(node, { text: open.repeat(depth) + print(node) + close.repeat(depth) });
}

function changeNumber(node: Node & { text: string }, random: Random): void {
  const value = Number(node.text);
  const changed = random.pick([value + 1, value - 1, -value, 2 * value, value / 2, value + 0.5, value * 2 ** 20]);
  node.text = random.chance(0.3) ? JSON.stringify(node.text) : String(changed).replace('Infinity', '1e999');
}

function changeObject(node: Node & { entries: [string, Node][] }, random: Random): void {
  if (node.entries.length === 0) {
    node.entries.push([random.pick(keys), { text: random.pick(scalars) }]);
    return;
  }
  const at = random.int(node.entries.length);
  const [key, item] = node.entries[at];
  const changes = [
    () => node.entries.splice(at, 1),
    () => node.entries.push([key, structuredClone(item)]),
    () => node.entries.push([key, { text: random.pick(wide) }]),
    () => node.entries.push([random.pick(keys), structuredClone(item)]),
    () => (node.entries[at][0] = random.pick(keys)),
    () => (node.entries[at][0] = random.pick(node.entries)[0]),
    () => node.entries.push([`${key}x`, structuredClone(item)]),
  ];
  random.pick(changes)();
}

function changeArray(node: Node & { items: Node[] }, random: Random): void {
  if (node.items.length === 0) {
    node.items.push({ text: random.pick(numbers) });
    return;
  }
  const at = random.int(node.items.length);
  const changes = [
    () => node.items.splice(at, 1),
    () => node.items.splice(at, 0, structuredClone(node.items[at])),
    () => node.items.splice(0, node.items.length),
    () => node.items.reverse(),
    () =>
      node.items.push(...Array.from({ length: random.pick([2, 30, 1000]) }, () => ({ text: random.pick(numbers) }))),
  ];
  random.pick(changes)();
}

function change(root: Node, random: Random): void {
  const node = pickNode(root, random);
  if (random.chance(0.4)) {
    become(node, { text: random.pick(random.pick([numbers, wide, strings, containers, scalars])) });
  } else if (random.chance(0.05)) nest(node, random);
  else if (random.chance(0.15)) become(node, structuredClone(pickNode(root, random)));
  else if ('entries' in node) changeObject(node, random);
  else if ('items' in node) changeArray(node, random);
  else if (/^-?\d/.test(node.text)) changeNumber(node as { text: string }, random);
  else become(node, { text: random.pick([numbers, wide, strings][random.int(3)]) });
}

/**
 * One to four structural damages to JSON text: other types, extreme numbers and their spellings, numbers as strings,
 * deleted, renamed and repeated keys, names of `Object.prototype`, deep nesting, subtrees that changed places.
 *
 * @param text must be JSON; anything else is returned damaged as bytes
 */
export function mutateJson(text: string, random: Random): string {
  if (random.chance(0.08)) return damagedText(text, random);
  let root: Node;
  try {
    root = parse(JSON.parse(text));
  } catch {
    return damagedText(text, random);
  }
  for (let left = 1 + random.int(4); left > 0; left--) change(root, random);
  return print(root);
}

function damagedText(text: string, random: Random): string {
  return new TextDecoder().decode(mutateBytes(new TextEncoder().encode(text), random));
}

/** `mutateJson` for a file of JSON in UTF-8; now and then the bytes are damaged instead. */
export function mutateJsonBytes(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.chance(0.1)) return mutateBytes(bytes, random);
  return new TextEncoder().encode(mutateJson(new TextDecoder().decode(bytes), random));
}
