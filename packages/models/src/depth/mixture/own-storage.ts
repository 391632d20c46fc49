import { add, type Tensor } from '@modajs/tensor';
import { allocateTensor } from '@modajs/tensor/extend';

/** Memory of a gradient, as autograd gives it. */
export interface GradientMemory {
  readonly tensor: Tensor;
  readonly accumulate: boolean;
}

/** Gradients in memory that one dispatch can write: no two in one storage. */
export interface OwnStorage {
  readonly written: readonly GradientMemory[];
  /** What to give to autograd once they are written. */
  finished(): Tensor[];
}

/** New memory for those gradients whose storage another has already; it is added to what was there afterwards. */
export function ownStorage(given: readonly GradientMemory[]): OwnStorage {
  const seen = new Set<unknown>();
  const isRepeated = given.map(({ tensor: { storage } }) => seen.has(storage) || !seen.add(storage));
  const written = given.map((memory, i) => {
    if (!isRepeated[i]) return memory;
    const { device, shape, dtype } = memory.tensor;
    return { tensor: allocateTensor(device, shape, dtype), accumulate: false };
  });
  return {
    written,
    finished: () =>
      given.map(({ tensor, accumulate }, i) =>
        isRepeated[i] && accumulate ? add(tensor, written[i].tensor) : written[i].tensor,
      ),
  };
}
