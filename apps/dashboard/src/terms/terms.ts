/** The glossary's text, as it was when the page was built. */
const GLOSSARY = import.meta.glob<string>('../../../../docs/glossary.md', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Terms that pages explain, each with its row in docs/glossary.md: the one place where it is defined. */
const ROWS = {
  residualStream: 'residual stream',
  moda: 'Mixture-of-Depths Attention, MoDA',
  slot: 'slot',
  depth: 'depth',
  depthMass: 'depth mass',
  sink: 'sink mass',
  ffnKv: 'FFN KV',
  postNorm: 'pre-norm, post-norm, reordered norm',
  block: 'block',
  step: 'step',
  heldOutLoss: 'held-out loss',
  bitsPerByte: 'bits per byte',
  residualMatched: 'residual-matched',
  chance: 'chance level',
  seeds: 'paired difference',
  study: 'study',
  floor: 'floor',
  subgroupMatrix: 'subgroup matrix',
  robustness: 'robustness, bounds checks',
  T: 'T',
  G: 'G',
  H: 'H',
  Hkv: 'Hkv',
  D: 'D, Dv',
  S: 'S',
  L: 'L',
} as const;

/** A term with a definition. */
export type TermName = keyof typeof ROWS;

export const TERM_NAMES = Object.keys(ROWS) as readonly TermName[];

/** Definitions by the first cell of their row; of a table of letters each row holds two. */
function definitionsOf(markdown: string): ReadonlyMap<string, string> {
  const plain = (cell: string): string => cell.trim().replaceAll('`', '');
  const found = new Map<string, string>();
  for (const line of markdown.split('\n')) {
    const cells = line.split('|').slice(1, -1).map(plain);
    for (let i = 0; i + 1 < cells.length; i += 2) found.set(cells[i], cells[i + 1]);
  }
  return found;
}

const definitions = definitionsOf(Object.values(GLOSSARY).join('\n'));

/** What the glossary says of a term, as a sentence. */
export function definitionOf(name: TermName): string {
  const found = definitions.get(ROWS[name]);
  if (found === undefined) throw new Error(`terms: docs/glossary.md has no row "${ROWS[name]}". Add it there.`);
  return `${found[0].toUpperCase()}${found.slice(1)}.`;
}
