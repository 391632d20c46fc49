import type { Backend } from '../backends/backend.ts';
import type { Pattern } from './decompositions.ts';
import type { PatternName, Patterns } from './patterns.ts';

/** Runs a pattern: in one kernel where the device has one that takes the arguments, else as its decomposition. */
export function lower<Name extends PatternName>(
  backend: Backend,
  { name, kernels, decompose }: Pattern<Name>,
  args: Patterns[Name],
): void {
  const isDone = kernels.on(backend).fused[name]?.(args) ?? false;
  if (!isDone) decompose(backend, args);
}
