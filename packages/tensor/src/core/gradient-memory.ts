import type { GradNode } from './autograd.ts';
import type { DType } from './dtype.ts';
import type { Tensor } from './tensor.ts';

/** Where a backward function may put a parameter's gradient itself: a handle to return, and whether to add to what is there. */
export interface ParameterGradient {
  readonly tensor: Tensor;
  readonly accumulate: boolean;
}

/** Gradients that came for nodes which are still to run, by output. */
export type PendingGradients = Map<GradNode, (Tensor | null)[]>;

let pending: PendingGradients | null = null;

/** Runs `body`, a backward pass, whose waiting gradients `gradientMemory` finds. */
export function withPending<T>(gradients: PendingGradients, body: () => T): T {
  const saved = pending;
  pending = gradients;
  try {
    return body();
  } finally {
    pending = saved;
  }
}

/** The gradient memory of the parameter that an input is, or null: then the backward function returns a tensor of its own. */
export function parameterGradient(input: GradNode | null): ParameterGradient | null {
  const leaf = input?.leaf ?? null;
  if (leaf === null || leaf.gradMemory === null) return null;
  if (leaf.grad !== null && !isSameMemory(leaf.grad, leaf.gradMemory)) return null;
  return { tensor: leaf.gradMemory.alias(), accumulate: leaf.grad !== null };
}

/**
 * The gradient that an input of a node has from later uses, taken out for the caller to add to and return: a sum that needs no
 * kernel of its own. Seen through reshapes. Null when there is none yet, its dtype is another, or somebody else holds its memory.
 */
export function gradientMemory(input: GradNode | null, output: number, dtype: DType): Tensor | null {
  if (input === null || input.leaf !== null) return null;
  const waiting = pending?.get(input);
  const present = waiting?.[output] ?? null;
  if (present === null) return input.isView ? gradientMemory(input.inputs[0], input.inputOutputs[0], dtype) : null;
  if (present.dtype !== dtype || !present.isAlone || !present.isContiguous) return null;
  waiting![output] = null;
  const tensor = present.alias();
  present.dispose();
  return tensor;
}

/** Whether two tensors start at the same element of the same storage. */
export function isSameMemory(a: Tensor, b: Tensor): boolean {
  return a.storage === b.storage && a.offset === b.offset;
}
