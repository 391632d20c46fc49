import type { ArrayView } from '../backends/backend.ts';
import type { Device } from '../core/device.ts';
import { elementBytes } from '../core/dtype.ts';
import { withoutScope } from '../core/scope.ts';
import { contiguousStrides, sizeOf } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import type { SlotShape } from './deferred-depth.ts';

/** Where a query lies. */
export interface QueryRow {
  /** `[rows, B, T, H, D]` */
  readonly block: Tensor;
  readonly row: number;
}

/**
 * Memory that readers compute their queries in during the forward pass, side by side as a gather wants them, so that the backward
 * pass need not copy them there. As many rows as there are readers, in blocks of at most one binding.
 */
export class QueryRows {
  readonly #blocks: Tensor[] = [];
  #used = 0;

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
    const perBlock = Math.min(this.readers, Math.floor(this.maxBytes / (sizeOf(row) * elementBytes(dtype))));
    const isOther = this.#blocks.length > 0 && this.#blocks[0].shape[3] !== H;
    if (this.#used === this.readers || perBlock < 1 || isOther) return null;
    const index = Math.floor(this.#used / perBlock);
    const rows = Math.min(perBlock, this.readers - index * perBlock);
    this.#blocks[index] ??= withoutScope(() => allocateTensor(this.device, [rows, ...row], dtype));
    const at = (this.#used++ % perBlock) * sizeOf(row);
    return this.#blocks[index].alias(row, contiguousStrides(row), at);
  }

  /** The row that a query was computed in; null when it lies elsewhere. */
  find(q: ArrayView): QueryRow | null {
    const block = this.#blocks.find(({ view }) => view.storage === q.storage);
    return block ? { block, row: q.offset / block.strides[0] } : null;
  }

  /** Gives the rows up: whoever computed in them holds on to what it needs. */
  drop(): void {
    for (const block of this.#blocks) block.dispose();
    this.#blocks.length = 0;
    this.#used = 0;
  }
}
