import { readFileSync } from 'node:fs';

export const REPOSITORY = new URL('../../../', import.meta.url);

/** A program of a text, and what the text says that it prints. */
export interface Program {
  readonly code: string;
  readonly printed: string;
}

/** Packages of ours that the blocks `js run` of a text import, without their scope. */
export function importsOf(file: string): string[] {
  const blocks = readFileSync(new URL(file, REPOSITORY), 'utf8').matchAll(/^```js run\n(.*?)^```/gms);
  return Array.from(blocks, ([, code]) => code.matchAll(/from '@modajs\/([^']+)'/g)).flatMap((found) =>
    Array.from(found, ([, name]) => name),
  );
}

/** The blocks `js run` of a text, each followed by a block `text` with its output. */
export function programsOf(file: string): Program[] {
  const text = readFileSync(new URL(file, REPOSITORY), 'utf8');
  const blocks = text.matchAll(/^```js run\n(.*?)^```\n\n```text\n(.*?)^```/gms);
  const programs = Array.from(blocks, ([, code, printed]) => ({ code, printed }));
  const marked = text.split('```js run').length - 1;
  if (programs.length !== marked)
    throw new Error(
      `docs: a program must be followed by its output, got ${marked} programs and ${programs.length} outputs in ${file}.`,
    );
  return programs;
}
