import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assembleWgsl, withoutLayout } from '@modajs/build/assemble-wgsl';
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

/** Words, numbers, and runs of operators that white space keeps apart. */
const tokensOf = (line: string): string[] => line.match(/[\w.]+|[,;:(){}[\]]|[^\s\w.,;:(){}[\]]+/g) ?? [];

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

  it('writes the interface out: what is set, bindings in their order, the fields of the uniform', () => {
    const text = assemble({
      '/main.wgsl': `// Header.

// @interface, bindings from 2
//   alias Element = f32
//   const D: u32 = 4u        columns
//   override WIDTH: u32 = 64u
//   read x: array<Element>   [rows, D]
//   read_write out: array<vec2<u32>>
//   uniform params: Params
//     rows: u32, eps: f32,
//     sources: array<vec4<u32>, D>,  start, stride

fn main() {
}
`,
    });
    expect(text).toBe(`alias Element = f32; // @specialize
const D: u32 = 4u; // @specialize
override WIDTH: u32 = 64u;
@group(0) @binding(2) var<storage, read> x: array<Element>;
@group(0) @binding(3) var<storage, read_write> out: array<vec2<u32>>;
@group(0) @binding(4) var<uniform> params: Params;
struct Params { rows: u32, eps: f32,
  sources: array<vec4<u32>, D>, }
fn main() {
}
`);
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
      'a line of an interface that declares nothing',
      { '/main.wgsl': '// @interface\n//   read x: array<f32>\n//   write y: array<f32>\n' },
      /main\.wgsl:3: a line of an interface must begin with .*, got \/\/ {3}write y/,
    ],
    [
      'fields without a uniform',
      { '/main.wgsl': '// @interface\n//   read x: array<f32>\n//     rows: u32,\n' },
      /main\.wgsl:3: .* or be fields below a uniform/,
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

  it('puts every shader with an entry point together, published with the same tokens and markers on the same lines', () => {
    const root = fileURLToPath(new URL('../src/', import.meta.url));
    const shaders = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.wgsl'));
    const entries = shaders.filter((file) => !/(^|\/)(wgsl|blocks)\//.test(file));
    expect(entries.length).toBeGreaterThan(50);
    for (const file of entries) {
      const { text } = assembleWgsl(root + file);
      expect(text.match(/@compute/g), file).toHaveLength(1);
      expect(text, file).not.toContain('@import');
      const published = withoutLayout(text);
      expect(published.length, file).toBeLessThan(text.length);
      expect(published.split('\n').map(tokensOf), file).toEqual(text.split('\n').map(tokensOf));
      expect(published.match(/\/\/ @.*/g), file).toEqual(text.match(/\/\/ @.*/g));
    }
  });
});
