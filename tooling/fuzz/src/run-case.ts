import { ModaError } from '@modajs/errors';
import type { FuzzTarget } from './fuzz-target.ts';

const maxMessageLength = 2000;

/** What is wrong with an outcome, in one line. `kind` is the same for faults of one cause: figures and names are left out. */
export interface FuzzFault {
  readonly kind: string;
  readonly message: string;
}

/** Runs one input. Returns null when it passes: a result that the target accepts, or a typed error. */
export async function runCase(target: FuzzTarget, bytes: Uint8Array): Promise<FuzzFault | null> {
  try {
    await target.run(bytes);
    return null;
  } catch (error) {
    return faultOf(error);
  }
}

function faultOf(error: unknown): FuzzFault | null {
  if (!(error instanceof Error)) return { kind: 'no Error object', message: `threw ${String(error)}` };
  const message = `${error.name}: ${error.message}`;
  if (!(error instanceof ModaError)) {
    const stack = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? [];
    // One place in the sources is one fault, whatever the values were; only a stack overflow ends anywhere.
    const place = /call stack/.test(message) ? ': call stack' : stack.find((line) => line.includes('file:'));
    const kind = `${error.name}${place ?? message}`;
    return { kind, message: `${message.slice(0, 500)}\n${stack.slice(0, 5).join('\n')}` };
  }
  if (error.message.length > maxMessageLength) {
    return {
      kind: 'long message',
      message: `an error message must be at most ${maxMessageLength} characters, got ${error.message.length}: ${message.slice(0, 200)}`,
    };
  }
  return null;
}
