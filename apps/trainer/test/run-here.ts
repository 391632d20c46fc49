import { fileURLToPath, pathToFileURL } from 'node:url';
import { vi } from 'vitest';
import type * as Program from './program.ts';
import type { CliResult } from './run-cli.ts';

/** The commands of the program that `runCli` starts, without its start (build-cli.ts). */
const PROGRAM = fileURLToPath(new URL('../.test-build/program.js', import.meta.url));

/**
 * Runs `moda` with arguments in this process, for commands that are refused or print a text: to start a program takes longer than
 * they do. What the start of the program itself does, signals, closed output and faults of ours, is seen by `runCli` alone.
 */
export async function runHere(args: readonly string[], { cwd }: { readonly cwd: string }): Promise<CliResult> {
  const { createProgram, reportError }: typeof Program = await import(pathToFileURL(PROGRAM).href);
  const output = { stdout: '', stderr: '' };
  const line = (stream: keyof typeof output) => (text: unknown) => {
    output[stream] += `${text}\n`;
  };
  const piece = (stream: keyof typeof output) => (text: string | Uint8Array) => {
    output[stream] += text;
    return true;
  };
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(line('stdout')),
    vi.spyOn(console, 'error').mockImplementation(line('stderr')),
    vi.spyOn(process.stdout, 'write').mockImplementation(piece('stdout')),
    vi.spyOn(process.stderr, 'write').mockImplementation(piece('stderr')),
  ];
  const before = { cwd: process.cwd(), exitCode: process.exitCode };
  const heard = new Set(listeners().map(([, listener]) => listener));
  process.chdir(cwd);
  process.exitCode = undefined;
  let code: number;
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    code = Number(process.exitCode ?? 0);
  } catch (error) {
    code = reportError(error);
  } finally {
    process.chdir(before.cwd);
    process.exitCode = before.exitCode;
    for (const spy of spies) spy.mockRestore();
    // A command that waits for Ctrl-C lets the end of its process forget that; here it would keep this process from ending.
    for (const [event, listener] of listeners()) if (!heard.has(listener)) process.off(event, listener);
  }
  return { code, signal: null, ...output };
}

/** What listens to this process now. */
function listeners(): [string | symbol, (...args: unknown[]) => void][] {
  return process.eventNames().flatMap((event) =>
    process.listeners(event as NodeJS.Signals).map((listener): [string | symbol, (...args: unknown[]) => void] => {
      return [event, listener as (...args: unknown[]) => void];
    }),
  );
}
