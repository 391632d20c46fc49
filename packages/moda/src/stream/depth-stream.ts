import { type DepthReading, elementBytes, ShapeError, type Tensor } from '@modajs/tensor';
import { checkOptions, type OptionChecks, orNull, shown, whole } from '@modajs/tensor/checks';
import { currentCheckpoint } from '@modajs/tensor/extend';
import { DepthArena, type DepthArenaOptions } from './depth-arena.ts';
import type { SlotStream } from './slot-stream.ts';

/** Which of the written slots to read. */
export interface ReadOptions {
  /** Keep the newest `last` slots; all by default. */
  readonly last?: number | null;
}

const READ_OPTIONS: OptionChecks<ReadOptions> = { last: orNull(whole()) };

/**
 * What the layers of one forward pass wrote, in order: block i appends its slots, later blocks read all that came before.
 * One arena holds the whole model's stream; readers get a count, nothing is copied or concatenated. In the backward pass a slot's
 * gradient is the sum over its readers (`SlotGradients`). A graph keeps the slots that it reads: the stream may be rewound and
 * written again, or disposed of, before it runs backward.
 */
export class DepthStream implements SlotStream {
  readonly hasScores = false;
  readonly #arena: DepthArena;
  #count = 0;

  /** @throws OutOfMemoryError, DTypeError */
  constructor(readonly options: DepthArenaOptions) {
    this.#arena = new DepthArena(options);
  }

  /** Slots written since the last `rewind`. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of one slot: keys and values of every position. */
  get slotBytes(): number {
    const { B, T, Hkv, D, Dv = D, dtype } = this.options;
    return B * T * Hkv * (D + Dv) * elementBytes(dtype ?? 'f32');
  }

  /**
   * Makes only the first `count` slots visible; later ones will be written again. 0 starts the next forward pass. The first write of a
   * slot that was written before begins a pass in memory of its own, with copies of the slots that stay visible.
   *
   * Under activation checkpointing the checkpointed function must rewind to its own first slot when it begins, because it runs twice: the
   * second run (the replay) writes the same numbers into the same slots, and puts `count` back when it ends. Such a function must not
   * begin a pass with copies that have gradients: that write throws an AutogradError.
   *
   * @throws ShapeError for more slots than were written; AutogradError after `dispose`
   */
  rewind(count = 0): void {
    const { written } = this.#arena;
    if (!(Number.isInteger(count) && count >= 0 && count <= written)) {
      throw new ShapeError(
        `depthStream.rewind: 0 <= count <= slots written must hold, got count=${shown(count)}, written=${written}. Rewind to an earlier slot.`,
        { count, written },
      );
    }
    this.#moveTo(count);
  }

  #moveTo(count: number): void {
    const before = this.#count;
    currentCheckpoint()?.restoreAfter(this, () => {
      this.#count = before;
    });
    this.#count = count;
  }

  /**
   * Memory of the next slot, for operators that write their result there: `write` copies nothing then. Null when the stream is
   * full or its slots do not start where a device can bind them. As `write`, it begins a pass where the slot was written before.
   */
  nextSlot(): { k: Tensor; v: Tensor } | null {
    return this.#count < this.#arena.slots ? this.#arena.slotDestination(this.#count) : null;
  }

  /**
   * Memory for the queries `[B, T, H, D]` of the next reader, for operators that write their result there: its backward pass copies
   * nothing then. Null where that saves nothing. Ask once for each reader.
   */
  queryDestination(H: number): Tensor | null {
    return this.#arena.queryDestination(this.#count, H);
  }

  /**
   * Puts k and v into the next slot, by a copy unless they are there already; differentiable in both.
   *
   * @param k `[B, T, Hkv, D]`
   * @param v `[B, T, Hkv, Dv]`
   * @throws ShapeError when the stream is full or shapes disagree
   */
  write(k: Tensor, v: Tensor): void {
    if (this.#count === this.#arena.slots) {
      throw new ShapeError(
        `depthStream.write: there must be a free slot, got ${this.#count} of ${this.#arena.slots} written. Make the stream larger, or rewind it before the next pass.`,
        { slots: this.#arena.slots },
      );
    }
    this.#arena.writeSlot(this.#count, k, v);
    this.#moveTo(this.#count + 1);
  }

  /**
   * The slots written so far, for `moda`, `depthAttention` and `modaChunkVisible`. Later writes stay invisible to it; after a rewind
   * that is written to, or `dispose`, it must be read anew.
   */
  read(options: ReadOptions = {}): DepthReading {
    checkOptions('depthStream.read', options, READ_OPTIONS);
    const { last = null } = options;
    return this.#arena.read(this.#count, last === null ? 0 : Math.max(0, this.#count - last));
  }

  /** The queries as they are. */
  query(q: Tensor, _scale: number): Tensor {
    return q;
  }

  /** Keys and values of one written slot, outside the graph. @throws ShapeError for a slot that is not written */
  slot(index: number): { k: Tensor; v: Tensor } {
    if (!(Number.isInteger(index) && index >= 0 && index < this.#count)) {
      throw new ShapeError(`depthStream.slot: the slot must be written, got ${shown(index)} of ${this.#count}.`, {
        index,
      });
    }
    return this.#arena.slot(index);
  }

  /** Keys of all written slots, oldest first, outside the graph. */
  keys(): Tensor[] {
    return Array.from({ length: this.#count }, (_, index) => {
      const { k, v } = this.#arena.slot(index);
      v.dispose();
      return k;
    });
  }

  /** Gives the memory up. A recorded graph keeps what it reads. */
  dispose(): void {
    this.#arena.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
