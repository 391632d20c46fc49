import type { GradNode } from './autograd.ts';
import type { DType } from './dtype.ts';
import { contiguousStrides } from './shape.ts';
import { allocateTensor, type Tensor } from './tensor.ts';

/** Memory where a result goes: a handle for the caller to write and return, and whether to add to what is there. */
export interface Destination {
  readonly tensor: Tensor;
  readonly accumulate: boolean;
}

/** What a result is, where there is no memory for it yet. */
export type Like = Pick<Tensor, 'device' | 'shape' | 'dtype'>;

/** Gradients that came for nodes which are still to run, by output. */
export type PendingGradients = Map<GradNode, (Tensor | null)[]>;

let pending: PendingGradients | null = null;

/** Runs `body`, a backward pass, whose waiting gradients `gradientDestination` finds. */
export function withPending<T>(gradients: PendingGradients, body: () => T): T {
  const saved = pending;
  pending = gradients;
  try {
    return body();
  } finally {
    pending = saved;
  }
}

/**
 * Where the gradient of a node's input goes, in the shape of `like`, in this order: a parameter's gradient memory; the gradient that the
 * input has from later uses, to be added to, so that the sum needs no kernel of its own; where the input's node prefers it; new memory.
 *
 * @param input which of the node's inputs
 * @param orF32 whether a parameter's memory may be f32 where `like` is f16: kernels that sum over rows store either
 */
export function gradientDestination(node: GradNode, input: number, like: Like, orF32: boolean): Destination {
  const found = presentMemory(node, input, like, orF32);
  if (found === null) return { tensor: allocateTensor(like.device, like.shape, like.dtype), accumulate: false };
  const { accumulate, tensor: memory } = found;
  const tensor = memory.alias(like.shape, contiguousStrides(like.shape));
  memory.dispose();
  return { tensor, accumulate };
}

function presentMemory({ inputs, inputOutputs }: GradNode, at: number, like: Like, orF32: boolean): Destination | null {
  const input = inputs[at];
  if (input === null) return null;
  if (input.leaf === null) return activationMemory(input, inputOutputs[at], like.dtype);
  // Of a parameter that is two inputs, one gradient would overwrite the other's.
  const isOneInput = inputs.indexOf(input) === inputs.lastIndexOf(input);
  return isOneInput ? parameterMemory(input.leaf, like.dtype, orF32) : null;
}

/** The memory that a parameter's gradient has; null when its gradient lies elsewhere. */
function parameterMemory({ grad, gradDestination }: Tensor, dtype: DType, orF32: boolean): Destination | null {
  if (gradDestination === null || (grad !== null && !isSameMemory(grad, gradDestination))) return null;
  if (gradDestination.dtype !== dtype && !(orF32 && gradDestination.dtype === 'f32')) return null;
  return { tensor: gradDestination.alias(), accumulate: grad !== null };
}

/**
 * The gradient that a node's output has already, or preferred memory for it, taken out. Seen through reshapes. Null when there is
 * neither, the dtype is another, or somebody else holds the memory.
 */
function activationMemory(node: GradNode, output: number, dtype: DType): Destination | null {
  const waiting = pending?.get(node);
  const present = waiting?.[output] ?? null;
  if (present === null) {
    const [source] = node.inputs;
    if (node.isView) return source?.leaf === null ? activationMemory(source, node.inputOutputs[0], dtype) : null;
    const preferred = node.takePreferredDestination(output);
    if (preferred?.dtype === dtype) return { tensor: preferred, accumulate: false };
    preferred?.dispose();
    return null;
  }
  if (present.dtype !== dtype || !present.hasNoOverlappingAlias || !present.isContiguous) return null;
  waiting![output] = null;
  const tensor = present.alias();
  present.dispose();
  return { tensor, accumulate: true };
}

/** Whether two tensors start at the same element of the same storage. */
export function isSameMemory(a: Tensor, b: Tensor): boolean {
  return a.storage === b.storage && a.offset === b.offset;
}
