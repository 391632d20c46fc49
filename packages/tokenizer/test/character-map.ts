/**
 * Compiles rules (text to replacement) as SentencePiece does for a `Precompiled` normalizer: base64 of a darts double array and the
 * replacements. Small maps only: each node takes the first place that is free.
 */
export function compileCharacterMap(rules: Readonly<Record<string, string>>): string {
  const encoder = new TextEncoder();
  let replacements = '';
  const root: Node = { children: new Map(), value: undefined };
  for (const [text, replacement] of Object.entries(rules)) {
    let node = root;
    for (const byte of encoder.encode(text)) {
      const next: Node = node.children.get(byte) ?? { children: new Map(), value: undefined };
      node.children.set(byte, next);
      node = next;
    }
    node.value = encoder.encode(replacements).length;
    replacements += `${replacement}\0`;
  }
  const units: number[] = [0];
  const used = new Set([0]);
  place(root, 0, 0, units, used);
  const size = Math.max(...used) + 257;
  const trie = Buffer.alloc(4 + size * 4);
  trie.writeUInt32LE(size * 4, 0);
  for (let at = 0; at < size; at++) trie.writeUInt32LE(units[at] ?? 0, 4 + at * 4);
  return Buffer.concat([trie, Buffer.from(replacements)]).toString('base64');
}

interface Node {
  readonly children: Map<number, Node>;
  value: number | undefined;
}

function place(node: Node, at: number, label: number, units: number[], used: Set<number>): void {
  const labels = [...node.children.keys(), ...(node.value === undefined ? [] : [0])];
  let offset = 1;
  while (labels.some((byte) => used.has(at ^ offset ^ byte))) offset++;
  units[at] = (((offset << 10) | label) + (node.value === undefined ? 0 : 1 << 8)) >>> 0;
  for (const byte of labels) used.add(at ^ offset ^ byte);
  if (node.value !== undefined) units[at ^ offset] = (node.value | 0x80000000) >>> 0;
  for (const [byte, child] of node.children) place(child, at ^ offset ^ byte, byte, units, used);
}
