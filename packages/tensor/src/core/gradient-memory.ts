import type { GradNode } from './autograd.ts';
import type { DType } from './dtype.ts';
import { allocateTensor, type Tensor } from './tensor.ts';

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

/** `parameterGradient`, or new memory of the shape and dtype of `like`. */
export function parameterSum(input: GradNode | null, like: Pick<Tensor, 'device' | 'shape' | 'dtype'>): GradientMemory {
  return parameterGradient(input) ?? { tensor: allocateTensor(like.device, like.shape, like.dtype), accumulate: false };
}

/**
 * Memory for the gradient of a node's input that is no parameter, taken out for the caller to write and return: what it has from
 * later uses, to be added to, so that the sum needs no kernel of its own; or where its node wants it. Seen through reshapes. Null
 * when there is neither, the dtype is another, or somebody else holds the memory.
 */
export function gradientMemory(input: GradNode | null, output: number, dtype: DType): GradientMemory | null {
  if (input === null || input.leaf !== null) return null;
  const waiting = pending?.get(input);
  const present = waiting?.[output] ?? null;
  if (present === null) {
    if (input.isView) return gradientMemory(input.inputs[0], input.inputOutputs[0], dtype);
    const preferred = input.takeOutputGradientMemory(output);
    if (preferred?.dtype === dtype) return { tensor: preferred, accumulate: false };
    preferred?.dispose();
    return null;
  }
  if (present.dtype !== dtype || !present.isAlone || !present.isContiguous) return null;
  waiting![output] = null;
  const tensor = present.alias();
  present.dispose();
  return { tensor, accumulate: true };
}

/** Whether two tensors start at the same element of the same storage. */
export function isSameMemory(a: Tensor, b: Tensor): boolean {
  return a.storage === b.storage && a.offset === b.offset;
}
