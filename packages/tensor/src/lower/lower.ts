import type { Backend } from '../backends/backend.ts';
import { decompositions } from './decompositions.ts';
import type { PatternName, Patterns } from './patterns.ts';

/** Runs a pattern: in one kernel where the device has one that takes the arguments, else as its decomposition. */
export function lower<Name extends PatternName>(backend: Backend, pattern: Name, args: Patterns[Name]): void {
  const isDone = backend.fused[pattern]?.(args) ?? false;
  if (!isDone) decompositions[pattern](backend, args);
}
