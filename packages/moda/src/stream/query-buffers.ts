import { type Device, elementBytes, type Tensor, withoutScope } from '@modajs/tensor';
import { allocateTensor, contiguousStrides, sizeOf } from '@modajs/tensor/extend';
import type { SlotShape } from './deferred-gradients.ts';

/** Where a reader's queries lie. */
export interface QueryPlace {
  /** `[rows, B, T, H, D]`, one row a reader. */
  readonly buffer: Tensor;
  readonly row: number;
}

/**
 * Memory in which the forward pass computes the queries of all readers, side by side, so that the backward pass of the slots need not
 * copy them together. One row a reader, in buffers of at most one binding.
 */
export class QueryBuffers {
  readonly #buffers: Tensor[] = [];
  #usedRows = 0;

  constructor(
    readonly device: Device,
    readonly shape: SlotShape,
    /** Readers of a pass. */
    readonly readers: number,
    readonly maxBytes: number,
  ) {}

  /** The next reader's row, `[B, T, H, D]`; null when there is none left, or a row is above `maxBytes`. */
  next(H: number): Tensor | null {
    const { B, T, D, dtype } = this.shape;
    const row = [B, T, H, D];
    const perBuffer = Math.min(this.readers, Math.floor(this.maxBytes / (sizeOf(row) * elementBytes(dtype))));
    const isOther = this.#buffers.length > 0 && this.#buffers[0].shape[3] !== H;
    if (this.#usedRows === this.readers || perBuffer < 1 || isOther) return null;
    const index = Math.floor(this.#usedRows / perBuffer);
    const rows = Math.min(perBuffer, this.readers - index * perBuffer);
    this.#buffers[index] ??= withoutScope(() => allocateTensor(this.device, [rows, ...row], dtype));
    const at = (this.#usedRows++ % perBuffer) * sizeOf(row);
    return this.#buffers[index].alias(row, contiguousStrides(row), at);
  }

  /** The row that a query was computed in; null when it lies elsewhere. */
  find(q: Tensor): QueryPlace | null {
    const buffer = this.#buffers.find(({ storage }) => storage === q.storage);
    return buffer ? { buffer, row: q.offset / buffer.strides[0] } : null;
  }

  /** Gives the buffers up: who computed in them holds handles of its own. */
  free(): void {
    for (const buffer of this.#buffers) buffer.dispose();
    this.#buffers.length = 0;
    this.#usedRows = 0;
  }
}
