const START = /^\/\/ @interface(?:, bindings from (\d+))?$/;
const DECLARATION = /^\/\/ {3}(alias|const|override|read|read_write|uniform) (\w\S*(?: \S+)*)(?: {2,}\S.*)?$/;
const FIELDS = /^\/\/ {5}(\w+: \S+(?: \S+)*)(?: {2,}\S.*)?$/;

/**
 * Writes the interface of a shader out as WGSL: all that its plan sets and binds, a line a declaration.
 *
 *     // @interface
 *     //   alias Element = f32              set by specialize(), as a const is
 *     //   override WIDTH: u32 = 64u        a constant of the pipeline
 *     //   read x: array<Element>           [rows, N]
 *     //   read_write out: array<Element>   [rows, N]
 *     //   uniform params: Params
 *     //     rows: u32, N: u32, offset: u32, out_offset: u32,
 *
 * What follows two spaces is for the reader: a shape, a meaning. Bindings are numbered as they follow each other, as those of the plan's
 * pass are, from 0 or from the number of `// @interface, bindings from 3`, where a shared file declares the first ones. The lines below
 * `uniform` are the fields of its struct; without them the struct is declared elsewhere.
 *
 * @param {string} file for errors
 * @param {string} text of a shader or of a shared file
 * @returns {string} the text with as many lines
 * @throws {Error} with file and line, for a line of an interface that is none of these
 */
export function writeInterface(file, text) {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => START.test(line));
  if (start < 0) return text;
  let binding = Number(START.exec(lines[start])[1] ?? 0);
  let struct = null;
  lines[start] = '';
  for (let index = start + 1; lines[index]?.startsWith('//'); index++) {
    const [, fields] = FIELDS.exec(lines[index]) ?? [];
    const [, kind, declared] = DECLARATION.exec(lines[index]) ?? [];
    if (fields && struct) {
      const isLast = !FIELDS.test(lines[index + 1] ?? '');
      lines[index] = `${struct}${fields}${isLast ? ' }' : ''}`;
      struct = isLast ? null : '  ';
    } else if (kind) {
      struct = kind === 'uniform' ? `struct ${declared.split(': ')[1]} { ` : null;
      if (kind === 'alias' || kind === 'const') lines[index] = `${kind} ${declared}; // @specialize`;
      else if (kind === 'override') lines[index] = `override ${declared};`;
      else
        lines[index] =
          `@group(0) @binding(${binding++}) var<${kind === 'uniform' ? kind : `storage, ${kind}`}> ${declared};`;
    } else {
      throw new Error(
        `${file}:${index + 1}: a line of an interface must begin with alias, const, override, read, read_write or uniform, or be fields below a uniform, got ${lines[index]}`,
      );
    }
  }
  return lines.join('\n');
}
