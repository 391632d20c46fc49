import type { GradNode } from './autograd.ts';
import type { Tensor } from './tensor.ts';

/** Where a backward function may put an input's gradient itself: a handle to return, and whether to add to what is there. */
export interface GradientMemory {
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
export function parameterGradient(input: GradNode | null): GradientMemory | null {
  const leaf = input?.leaf ?? null;
  if (leaf === null || leaf.gradMemory === null) return null;
  if (leaf.grad !== null && !isSameMemory(leaf.grad, leaf.gradMemory)) return null;
  return { tensor: leaf.gradMemory.alias(), accumulate: leaf.grad !== null };
}

/**
 * The gradient that an input of a node has from later uses, taken out for the caller to add to and return: a sum that needs no
 * kernel of its own. Seen through reshapes. Null when there is none yet, or somebody else holds its memory. Of a parameter: its
 * gradient memory.
 */
export function gradientMemory(input: GradNode | null, output: number): GradientMemory | null {
  if (input === null || input.leaf !== null) return parameterGradient(input);
  const waiting = pending?.get(input);
  const present = waiting?.[output] ?? null;
  if (present === null) return input.isView ? gradientOfViewed(input) : null;
  if (!present.isAlone || !present.isContiguous) return null;
  waiting![output] = null;
  const tensor = present.alias();
  present.dispose();
  return { tensor, accumulate: true };
}

function gradientOfViewed({ inputs: [viewed], inputOutputs: [output] }: GradNode): GradientMemory | null {
  // A parameter's memory would be added to again when the view's gradient arrives.
  return viewed === null || viewed.leaf !== null ? null : gradientMemory(viewed, output);
}

/** Whether two tensors start at the same element of the same storage. */
export function isSameMemory(a: Tensor, b: Tensor): boolean {
  return a.storage === b.storage && a.offset === b.offset;
}
