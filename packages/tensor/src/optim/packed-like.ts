import { memoryOrder, packedZeros } from '../core/packed.ts';
import { withoutScope } from '../core/scope.ts';
import type { Tensor } from '../core/tensor.ts';
import type { NamedTensors } from './optimizer.ts';
import { checkNamedTensors } from './optimizer-checks.ts';

/** f32 zeros of the parameters' shapes, laid out in memory as the parameters are; they belong to the caller. */
export function packedLike(params: NamedTensors): Record<string, Tensor> {
  const entries = Object.entries(params);
  const ordered = memoryOrder(entries.map(([, tensor]) => tensor.view)).map((i) => entries[i]);
  const shapes = ordered.map(([, { shape }]) => shape);
  const zeros = withoutScope(() => packedZeros(entries[0][1].device, shapes, 'f32'));
  return Object.fromEntries(ordered.map(([name], i) => [name, zeros[i]]));
}

/**
 * Gives parameters memory for their gradients, laid out as the parameters are: `backward` writes weight gradients straight
 * into it, and the norm and the optimiser's step take a few kernels for all of them. It lives as long as the parameters.
 */
export function allocateGradients(params: NamedTensors): void {
  checkNamedTensors('allocateGradients', 'params', params);
  const missing = Object.fromEntries(
    Object.entries(params).filter(([, { gradDestination }]) => gradDestination === null),
  );
  if (Object.keys(missing).length === 0) return;
  for (const [name, memory] of Object.entries(packedLike(missing))) params[name].gradDestination = memory;
}
