import type { ArrayView } from '../../backend.ts';
import type { Operand, PlanRunner } from '../plan-runner.ts';

/** Rows and columns of a view whose leading axes are flattened. */
export function rowsOf({ shape }: ArrayView): { rows: number; N: number } {
  const rows = shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
  return { rows, N: shape.at(-1) ?? 1 };
}

/** Operands that are there, by name. */
export function present(operands: Readonly<Record<string, Operand | null>>): Record<string, Operand> {
  const entries = Object.entries(operands).filter((entry): entry is [string, Operand] => entry[1] !== null);
  return Object.fromEntries(entries);
}

type Optional<T> = { [name in keyof T]: Operand | null };

/** Operands of views, by name. */
export function operandsOf<T extends object>(runner: PlanRunner, views: T): Optional<T> {
  const entries = Object.entries(views).map(([name, view]) => [name, view && runner.operand(view as ArrayView)]);
  return Object.fromEntries(entries) as Optional<T>;
}

/** Where operands start in their bindings, by name. */
export function offsetsOf<T extends object>(operands: Optional<T>): { [name in keyof T]: number } {
  const entries = Object.entries(operands).map(([name, operand]) => [name, (operand as Operand | null)?.start ?? null]);
  return Object.fromEntries(entries) as { [name in keyof T]: number };
}
