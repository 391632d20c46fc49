import type { ArrayView } from '../backends/backend.ts';
import { type Device, isDevice, SharedStorage } from './device.ts';
import type { DType } from './dtype.ts';
import { checkNumbers, checkShape, isContiguous, type Shape, sizeOf } from './shape.ts';
import { checkSize, Tensor } from './tensor.ts';
import { dtypeName } from './value-checks.ts';

/** Elements: every tensor starts on a multiple, so that its rows are read 16 bytes at a time in every dtype. */
const ALIGNMENT = 64;

const padded = (shape: Shape): number => Math.ceil(sizeOf(shape) / ALIGNMENT) * ALIGNMENT;

/**
 * Zeros of several shapes side by side in few storages (of `Backend.packLength` elements, more for a larger tensor), in the given order: what works on all of them (an optimiser's step,
 * a norm, a cast) then takes few kernels (`mergeRuns`). Packs of the same shapes in the same order are laid out alike in
 * every dtype. The gaps between tensors hold zeros.
 *
 * @throws ShapeError | ConfigError | DeviceError | OutOfMemoryError
 */
export function packedZeros(device: Device, shapes: readonly Shape[], dtype: DType): Tensor[] {
  isDevice('packedZeros', 'device', device);
  device.requireOpen('packedZeros');
  checkNumbers('packedZeros', 'shapes', shapes);
  for (let i = 0; i < shapes.length; i++) {
    checkShape('packedZeros', shapes[i], `shapes[${i}]`);
    checkSize(shapes[i]);
  }
  dtypeName('packedZeros', 'dtype', dtype);
  const tensors: Tensor[] = [];
  const { packLength } = device.backend;
  for (let first = 0; first < shapes.length; ) {
    let end = first + 1;
    let length = padded(shapes[first]);
    while (end < shapes.length && length + padded(shapes[end]) <= packLength) length += padded(shapes[end++]);
    const storage = new SharedStorage(device, device.backend.allocate(length, dtype));
    const whole: ArrayView = { storage: storage.raw, dtype, shape: [length], strides: [1], offset: 0 };
    if (length > 0) device.backend.fill(whole, 0);
    let offset = 0;
    for (const shape of shapes.slice(first, end)) {
      tensors.push(new Tensor(storage.retain(), [...shape], undefined, offset));
      offset += padded(shape);
    }
    storage.release();
    first = end;
  }
  return tensors;
}

/** `order[i]`: the index of the i-th view in memory, views of one storage together. */
export function memoryOrder(views: readonly ArrayView[]): number[] {
  const storages = new Map<object, number>();
  for (const { storage } of views) if (!storages.has(storage)) storages.set(storage, storages.size);
  return views
    .map((_, i) => i)
    .sort(
      (a, b) => storages.get(views[a].storage)! - storages.get(views[b].storage)! || views[a].offset - views[b].offset,
    );
}

/**
 * Joins views that follow each other in memory in every one of several parallel lists: elementwise work on the results
 * equals the work on the arguments, with fewer kernels. Between joined views lie only the zeros of `packedZeros`.
 *
 * @param lists of one length; entry i of each belongs together and has one size
 * @param keys views are joined only when these are equal: one for each entry
 * @returns the joined lists (one axis each), and the key of each entry
 */
export function mergeRuns<Key>(
  lists: readonly (readonly ArrayView[])[],
  keys: readonly Key[],
): { readonly lists: ArrayView[][]; readonly keys: Key[] } {
  const merged: ArrayView[][] = lists.map(() => []);
  const mergedKeys: Key[] = [];
  let last: number | null = null;
  for (const i of memoryOrder(lists[0])) {
    const joins = last !== null && keys[last] === keys[i] && follows(lists, last, i);
    lists.forEach((list, n) => {
      const view = list[i];
      const runs = merged[n];
      if (!joins) runs.push(view);
      else runs[runs.length - 1] = joined(runs[runs.length - 1], view);
    });
    if (!joins) mergedKeys.push(keys[i]);
    last = i;
  }
  return { lists: merged, keys: mergedKeys };
}

/** Whether entry `b` starts right behind entry `a` in every list, by the same distance. */
function follows(lists: readonly (readonly ArrayView[])[], a: number, b: number): boolean {
  const step = lists[0][b].offset - lists[0][a].offset;
  const gap = step - sizeOf(lists[0][a].shape);
  if (gap < 0 || gap >= ALIGNMENT) return false;
  return lists.every(
    (list) =>
      list[a].storage === list[b].storage &&
      list[b].offset - list[a].offset === step &&
      [list[a], list[b]].every(({ shape, strides }) => isContiguous(shape, strides)),
  );
}

function joined(run: ArrayView, view: ArrayView): ArrayView {
  const length = view.offset + sizeOf(view.shape) - run.offset;
  return { ...run, shape: [length], strides: [1] };
}
