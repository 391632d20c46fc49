import { KernelError } from './kernel-error.ts';

const BLOCK = /^[ \t]*\/\/ @if (\w+)\n([\s\S]*?)^[ \t]*\/\/ @end\n/gm;

/**
 * Keeps one variant of a shader: text between `// @if NAME` and `// @end` stays when NAME is the variant's and goes otherwise.
 * For what constants cannot switch: bindings, and the code that uses them. Blocks do not nest.
 *
 * @param source WGSL text, valid as it stands with all variants in it
 * @throws KernelError when no block has the name
 */
export function keepVariant(source: string, variant: string): string {
  let isKnown = false;
  const text = source.replace(BLOCK, (_block, name: string, body: string) => {
    if (name !== variant) return '';
    isKnown = true;
    return body;
  });
  if (!isKnown)
    throw new KernelError(`keepVariant: the shader must have a "// @if ${variant}" block, got none. Check the name.`, {
      variant,
    });
  return text;
}
