import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { IN_PAGE } from '../build/bundle-packages.js';
import { importsOf, programsOf, REPOSITORY } from './programs.ts';

const guides = readdirSync(new URL('docs/guides', REPOSITORY)).map((name) => `docs/guides/${name}`);
const cases = ['docs/ten-minutes.md', ...guides].flatMap((file) =>
  programsOf(file).map((program, i) => ({ ...program, name: `${file} ${i + 1}` })),
);

const folder = new URL('../.test-programs/', import.meta.url);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a program prints, run as a module of its own. */
async function outputOf(code: string, name: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${name.replace(/\W/g, '-')}.mjs`, folder);
  writeFileSync(file, code);
  let printed = '';
  const log = vi.spyOn(console, 'log').mockImplementation((...values) => {
    printed += `${values.join(' ')}\n`;
  });
  try {
    await import(/* @vite-ignore */ file.href);
  } finally {
    log.mockRestore();
  }
  return printed;
}

describe('programs of the tour and the guides', () => {
  it('are found', () => {
    expect(cases.length).toBeGreaterThan(4);
  });

  it.each(cases)('$name prints in Node what the text says', async ({ code, printed, name }) => {
    expect(await outputOf(code, name)).toBe(printed);
  });
});

describe('programs that a page can run', () => {
  it('import packages that the site has', () => {
    // Each page of the built site lies beside it as Markdown.
    const files = readdirSync(new URL('../dist', import.meta.url), { recursive: true }).map(String);
    const texts = files.filter((file) => file.endsWith('.md') && !/^files\b/.test(file));
    const imports = texts.flatMap((file) =>
      [...new Set(importsOf(`apps/docs/dist/${file.replaceAll('\\', '/')}`))].map((name) => `${file}: ${name}`),
    );
    expect(imports.length).toBeGreaterThan(10);
    expect(imports.filter((line) => !IN_PAGE.includes(line.split(': ')[1]))).toEqual([]);
  });
});
