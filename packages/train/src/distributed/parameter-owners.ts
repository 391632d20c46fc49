import type { Tensor } from '@modajs/tensor';

/**
 * Which rank keeps the optimiser state of each parameter (ZeRO stage 1): the largest first, each to the rank that has the
 * least so far, so that loads differ by at most one parameter. The same on every rank.
 *
 * Reference: Rajbhandari et al. 2020, "ZeRO: memory optimizations toward training trillion parameter models".
 */
export function parameterOwners(params: Readonly<Record<string, Tensor>>, size: number): ReadonlyMap<string, number> {
  const loads = new Array<number>(size).fill(0);
  const owners = new Map<string, number>();
  const largestFirst = Object.entries(params).sort(([, a], [, b]) => b.size - a.size);
  for (const [name, parameter] of largestFirst) {
    const lightest = loads.indexOf(Math.min(...loads));
    owners.set(name, lightest);
    loads[lightest] += parameter.size;
  }
  return owners;
}
