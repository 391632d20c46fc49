import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assembleWgsl } from '@modajs/build/assemble-wgsl';
import { describe, expect, it } from 'vitest';

const assemble = (files: Record<string, string>) =>
  assembleWgsl('/main.wgsl', (path) => {
    const text = files[path];
    if (text === undefined) throw new Error('no such file');
    return text;
  }).text;

const main = (imported: string, body = '') => `${imported}\n\nfn main() {\n  ${body}\n}\n`;
const shared = `// Header.

// Twice x.
fn twice(x: f32) -> f32 {
  return FACTOR * x;
}

const FACTOR = 2.0; // @specialize
fn unused() {
}
`;

describe('assembleWgsl', () => {
  it('takes the named declarations with what they use, without comments, and nothing else', () => {
    const text = assemble({
      '/main.wgsl': main("// @import { twice } from './shared.wgsl'", 'let y = twice(1.0);'),
      '/shared.wgsl': shared,
    });
    expect(text).toBe(`const FACTOR = 2.0; // @specialize
fn twice(x: f32) -> f32 {
  return FACTOR * x;
}
fn main() {
  let y = twice(1.0);
}
`);
  });

  it('takes a declaration that two imports lead to once', () => {
    const text = assemble({
      '/main.wgsl': main("// @import { a } from './a.wgsl'\n// @import { b } from './b.wgsl'", 'a(b());'),
      '/a.wgsl': "// @import { twice } from './shared.wgsl'\n\nfn a(x: f32) {\n  twice(x);\n}\n",
      '/b.wgsl': "// @import { twice } from './shared.wgsl'\n\nfn b() -> f32 {\n  return twice(1.0);\n}\n",
      '/shared.wgsl': shared,
    });
    expect(text.match(/fn twice/g)).toHaveLength(1);
  });

  const refused: [what: string, files: Record<string, string>, message: RegExp][] = [
    [
      'a file that is missing',
      { '/main.wgsl': main("// @import { x } from './no.wgsl'", 'x();') },
      /main\.wgsl:1: an import must name a file that exists, got \/no\.wgsl/,
    ],
    [
      'a name that the file does not declare',
      { '/main.wgsl': main("// @import { thrice } from './shared.wgsl'", 'thrice();'), '/shared.wgsl': shared },
      /main\.wgsl:1: \/shared\.wgsl must declare thrice\. It declares twice, FACTOR, unused/,
    ],
    [
      'a name that is not used',
      { '/main.wgsl': main("// @import { twice } from './shared.wgsl'"), '/shared.wgsl': shared },
      /main\.wgsl:1: what is imported must be used, got twice/,
    ],
    [
      'a name declared twice',
      {
        '/main.wgsl': main("// @import { twice } from './shared.wgsl'", 'twice(FACTOR);') + 'const FACTOR = 3.0;\n',
        '/shared.wgsl': shared,
      },
      /FACTOR is declared in \/main\.wgsl and in \/shared\.wgsl/,
    ],
    [
      'an import that does not parse',
      { '/main.wgsl': main("// @import twice from './shared.wgsl'", 'twice();'), '/shared.wgsl': shared },
      /main\.wgsl:1: an import must read/,
    ],
    [
      'files that import each other',
      {
        '/main.wgsl': main("// @import { a } from './a.wgsl'", 'a();'),
        '/a.wgsl': "// @import { b } from './b.wgsl'\n\nfn a() {\n  b();\n}\n",
        '/b.wgsl': "// @import { a } from './a.wgsl'\n\nfn b() {\n  a();\n}\n",
      },
      /must not import in a circle, got \/a\.wgsl/,
    ],
  ];
  it.each(refused)('refuses %s', (_what, files, message) => {
    expect(() => assemble(files)).toThrow(message);
  });

  it('puts every shader with an entry point together, and no import is left over', () => {
    const root = fileURLToPath(new URL('../src/', import.meta.url));
    const shaders = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.wgsl'));
    const entries = shaders.filter((file) => !/(^|\/)(wgsl|blocks)\//.test(file));
    expect(entries.length).toBeGreaterThan(50);
    for (const file of entries) {
      const { text } = assembleWgsl(root + file);
      expect(text.match(/@compute/g), file).toHaveLength(1);
      expect(text, file).not.toContain('@import');
    }
  });
});
