import type { Tensor } from '@modajs/tensor';

/** Parameters that travel together, one after the other in one vector. */
export interface Fragment {
  readonly index: number;
  /** Where each parameter's values lie in the vector. */
  readonly staged: readonly { readonly tensor: Tensor; readonly start: number }[];
  /** Elements of the vector. */
  readonly length: number;
}

/** Cuts parameters, in their order, into at most `count` fragments of about equal length; none is empty. */
export function fragmentsOf(params: Readonly<Record<string, Tensor>>, count: number): Fragment[] {
  const tensors = Object.values(params);
  const total = tensors.reduce((sum, { size }) => sum + size, 0);
  const groups: Tensor[][] = Array.from({ length: count }, () => []);
  let before = 0;
  for (const tensor of tensors) {
    // By the middle of the parameter: a large one does not push all others into the last fragment.
    const wanted = Math.min(count - 1, Math.floor(((before + tensor.size / 2) * count) / total));
    groups[wanted].push(tensor);
    before += tensor.size;
  }
  return groups
    .filter(({ length }) => length > 0)
    .map((group, index) => {
      let length = 0;
      const staged = group.map((tensor) => {
        const start = length;
        length += tensor.size;
        return { tensor, start };
      });
      return { index, staged, length };
    });
}

/**
 * Which fragments are sent after a step: each once in `every` steps, spread evenly. Fragment `p` of `count` is sent after the
 * steps that are `round((p + 1) every / count)` modulo `every`, the last one after multiples of `every`.
 */
export function fragmentsDue(step: number, every: number, count: number): number[] {
  const due: number[] = [];
  for (let p = 0; p < count; p++) {
    if ((step - Math.round(((p + 1) * every) / count)) % every === 0) due.push(p);
  }
  return due;
}
