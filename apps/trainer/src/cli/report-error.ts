import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModaError } from '@modajs/tensor';
import { PeerFailedError } from '@modajs/train';
import { CommanderError } from 'commander';
import { VERSIONS } from '../run/versions.ts';
import { styled } from '../terminal/styled.ts';
import { EXIT } from './exit-codes.ts';

/** The longest message on the terminal: some quote what came. */
const MAX_MESSAGE = 2000;

/**
 * Prints any error as one line: what the user can fix, what the system refused, or, for a fault of ours, where its details
 * were written.
 *
 * @returns the exit code
 */
export function reportError(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed its message already.
    return error.exitCode === 0 ? EXIT.done : EXIT.refused;
  }
  // The rank that failed says why.
  if (error instanceof PeerFailedError) return EXIT.refused;
  if (error instanceof ModaError) return printed(error.message);
  if (isSystemError(error)) {
    const { code, path, syscall } = error;
    const what = path === undefined ? `${syscall} failed` : `${path} must be usable`;
    return printed(
      `files: ${what}, got ${code} (${syscall}). Check that it is there, of the right kind, and permitted.`,
    );
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  console.error(`${styled(process.stderr, 'red', 'error:')} internal: ${oneLine(message)} ${writeDetails(error)}`);
  return EXIT.failed;
}

function printed(message: string): number {
  console.error(`${styled(process.stderr, 'red', 'error:')} ${oneLine(message)}`);
  return EXIT.refused;
}

function oneLine(text: string): string {
  const line = text.replace(/\s*[\r\n]+\s*/g, ' ');
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)} ...` : line;
}

/** An error of a system call, such as ENOSPC, EISDIR and EACCES. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error)) return false;
  const { code, syscall, errno } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && typeof syscall === 'string' && typeof errno === 'number';
}

/** Where the stack of an error of ours can be read. */
function writeDetails(error: unknown): string {
  const stacks: string[] = [];
  for (
    let at = error, depth = 0;
    at !== undefined && depth < 5;
    at = at instanceof Error ? at.cause : undefined, depth++
  ) {
    stacks.push(at instanceof Error ? (at.stack ?? at.message) : String(at));
  }
  const facts = { ...VERSIONS, platform: `${process.platform} ${process.arch}`, arguments: process.argv.slice(2) };
  const details = `${JSON.stringify(facts, null, 2)}\n\n${stacks.join('\ncaused by ')}\n`;
  const path = join(tmpdir(), `moda-error-${Date.now()}-${process.pid}.txt`);
  try {
    writeFileSync(path, details);
    return `This is a fault of moda: please report it with ${path}`;
  } catch {
    return `This is a fault of moda: please report it. ${oneLine(stacks[0])}`;
  }
}
