import { KernelError } from './kernel-error.ts';

const LOOP = /^[ \t]*for \(var (\w+) = 0u; \1 < ([^;]+); \1\+\+\) \{ \/\/ @unroll[^\n]*\n/m;

/**
 * Writes out the loops that end in `// @unroll`, each iteration as a block with a constant index:
 * `for (var d = 0u; d < FRAGMENTS; d++) { // @unroll`. Arrays of subgroup matrices stay in registers only when every index
 * is a constant, and drivers do not unroll loops that hold barriers.
 *
 * @param source WGSL text, valid as it stands
 * @param bounds number of iterations by the text of the bound: `{ FRAGMENTS: 4, 'KEYS / 16u': 2 }`; `'loop'` leaves the loop as it is
 * @throws KernelError when a bound is not given
 */
export function unroll(source: string, bounds: Readonly<Record<string, number | 'loop'>>): string {
  const kept = Object.keys(bounds).filter((bound) => bounds[bound] === 'loop');
  let text = kept.reduce((all, bound) => all.replace(loopsTo(bound), '$1'), source);
  for (let loop = LOOP.exec(text); loop; loop = LOOP.exec(text)) {
    const [head, index, bound] = loop as unknown as [string, string, string];
    const iterations = bounds[bound];
    if (typeof iterations !== 'number')
      throw new KernelError(`unroll: the bound "${bound}" must have a value, got none. Pass it in bounds.`, { bound });
    const start = loop.index + head.length;
    const end = closingBrace(text, start);
    const body = text.slice(start, end);
    const blocks = Array.from(
      { length: iterations },
      (_, iteration) => `{ const ${index} = ${iteration}u;\n${body}}\n`,
    );
    text = text.slice(0, loop.index) + blocks.join('') + text.slice(end + 1);
  }
  return text;
}

/** Loops up to a bound, the mark apart. */
const loopsTo = (bound: string): RegExp =>
  new RegExp(`^(.*\\bfor \\(var \\w+ = 0u; \\w+ < ${bound.replace(/[^\w ]/g, '\\$&')};.*) // @unroll.*$`, 'gm');

/** Index of the brace that closes the one opened before `start`. */
function closingBrace(text: string, start: number): number {
  let depth = 1;
  for (let index = start; index < text.length; index++) {
    if (text[index] === '{') depth++;
    if (text[index] === '}' && --depth === 0) return index;
  }
  throw new KernelError('unroll: a loop must close its brace, got the end of the shader. Check the shader.');
}
