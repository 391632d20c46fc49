import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleProgram } from '@modajs/build/bundle-program';
import { afterAll, beforeAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'moda-no-dispose-'));
const program = join(folder, 'program.mjs');
afterAll(() => rmSync(folder, { recursive: true }));

/** `Symbol` without the two symbols, as Safari has it; they cannot be deleted from the one of Node. */
const ENGINE = `
  const whole = Symbol;
  globalThis.Symbol = function (description) { return whole(description); };
  for (const name of Object.getOwnPropertyNames(whole))
    if (!/^(length|name|prototype|dispose|asyncDispose)$/.test(name)) globalThis.Symbol[name] = whole[name];
  globalThis.Symbol.prototype = whole.prototype;
  if ('dispose' in Symbol || 'asyncDispose' in Symbol) throw new Error('the symbols are still there');`;

// As the packages are published: the same target, and the same `sideEffects` for a bundler to go by.
beforeAll(() => bundleProgram(fileURLToPath(new URL('train-and-generate.ts', import.meta.url)), program));

function run(...flags: string[]): { loss: number; tokens: number[] } {
  return JSON.parse(execFileSync(process.execPath, [...flags, program], { encoding: 'utf8' }));
}

it('trains and generates in an engine without Symbol.dispose as in one that has it [cpu]', () => {
  const withSymbols = run();
  expect(withSymbols.tokens).toHaveLength(4);
  expect(run('--import', `data:text/javascript,${encodeURIComponent(ENGINE)}`)).toEqual(withSymbols);
});
