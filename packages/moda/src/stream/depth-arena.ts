import {
  AutogradError,
  type DepthReading,
  type Device,
  type DType,
  defaultDevice,
  elementBytes,
  ShapeError,
  type Tensor,
} from '@modajs/tensor';
import {
  checkOperands,
  checkOptions,
  floatDTypeName,
  floatOnly,
  isDevice,
  isOneDevice,
  type OptionChecks,
  sameDType,
  shapeIs,
  shown,
  whole,
  wholeNumber,
} from '@modajs/tensor/checks';
import { currentCheckpoint, isRecording, sizeOf } from '@modajs/tensor/extend';
import { DepthPass } from './depth-pass.ts';
import { type SlotLayout, slotShapes } from './slot-segments.ts';

export interface DepthArenaOptions {
  /** Slots of the whole model. */
  readonly slots: number;
  readonly B: number;
  readonly T: number;
  readonly Hkv: number;
  readonly D: number;
  /** D by default. */
  readonly Dv?: number;
  readonly dtype?: DType;
  readonly device?: Device;
  /** Readers of a forward pass, where that is known: then their queries can be computed where the backward pass wants them. */
  readonly readers?: number;
  /** Largest allocation, bytes; the arena becomes several segments above it. 1 GiB by default. */
  readonly maxSegmentBytes?: number;
}

const ARENA_OPTIONS: OptionChecks<DepthArenaOptions> = {
  slots: whole(),
  B: whole(),
  T: whole(),
  Hkv: whole(1),
  D: whole(1),
  Dv: whole(1),
  dtype: floatDTypeName,
  device: isDevice,
  readers: whole(),
  maxSegmentBytes: whole(1),
};

/** Bytes: the start of a binding on every WebGPU device. */
const SLOT_ALIGNMENT = 256;

/**
 * The depth stream's memory: every slot `[B, T, Hkv, D]` of keys and `[B, T, Hkv, Dv]` of values that the model's layers
 * write, in one allocation of keys and one of values, or several where those would be too large (`slot-segments.ts`). Writing copies into
 * the slot, reading copies nothing. In the backward pass readers run first, the latest of them first of all; each leaves its part of its
 * slots' gradients in `SlotGradients`. Then a slot's writer, a node of the graph, takes the sum to the k and v that were written.
 *
 * A forward pass (`DepthPass`) writes each slot once. A slot that is written again begins the next pass, in memory of its own: a graph keeps
 * the slots that it reads until it has run backward or is released, whatever becomes of the arena.
 */
export class DepthArena implements Disposable {
  readonly device: Device;
  readonly dtype: DType;
  readonly slots: number;
  readonly #layout: SlotLayout;
  /** The pass that is written and read outside a replay. Earlier ones live on in the graphs that read them. */
  #latest: DepthPass;
  #isDisposed = false;

  /** @throws ConfigError | DeviceError | OutOfMemoryError | DTypeError */
  constructor(options: DepthArenaOptions) {
    checkOptions('depthArena', options, ARENA_OPTIONS, ['slots', 'B', 'T', 'Hkv', 'D']);
    const { slots, B, T, Hkv, D, Dv = D, dtype = 'f32', device = defaultDevice(), readers = 0 } = options;
    const { maxSegmentBytes = 2 ** 30 } = options;
    device.requireOpen('depthArena');
    this.device = device;
    this.dtype = dtype;
    this.slots = slots;
    // As f32: the sums of gradients have the segments of the slots.
    const slotBytes = B * T * Hkv * Math.max(D, Dv) * 4;
    const perSegment = Math.max(1, Math.floor(maxSegmentBytes / Math.max(1, slotBytes)));
    this.#layout = { device, dtype, slots, B, T, Hkv, D, Dv, perSegment, readers };
    this.#latest = new DepthPass(this.#layout);
  }

  /** Slots `0 .. written - 1` were written in this pass. */
  get written(): number {
    return this.#pass().written;
  }

  /**
   * Puts keys and values into a slot, by a copy unless they are there already. In a recorded graph their gradient is the sum over the
   * slot's readers (`SlotGradients.takeGradient`).
   *
   * @param k `[B, T, Hkv, D]`
   * @param v `[B, T, Hkv, Dv]`
   * @throws ShapeError for another shape or a slot out of range; AutogradError after `dispose`
   */
  writeSlot(slot: number, k: Tensor, v: Tensor): void {
    this.#checkSlot(slot);
    isOneDevice('depthArena.writeSlot', this.device, checkOperands('depthArena.writeSlot', { k, v }));
    floatOnly('depthArena.writeSlot', k, v);
    const shapes = slotShapes(this.#layout);
    shapeIs('depthArena.writeSlot', 'k', k.shape, shapes.k, '[B, T, Hkv, D]');
    shapeIs('depthArena.writeSlot', 'v', v.shape, shapes.v, '[B, T, Hkv, Dv]');
    sameDType('depthArena.writeSlot', k, v);
    this.#passToWrite(slot).write(slot, k, v);
  }

  /**
   * Memory of a slot, for operators that write their result there (`into`): what `writeSlot` then finds in place is not copied.
   * Null when slots do not start where a device can bind them.
   */
  slotDestination(slot: number): { k: Tensor; v: Tensor } | null {
    this.#checkSlot(slot);
    const { k, v } = slotShapes(this.#layout);
    const isAligned = [k, v].every((shape) => (sizeOf(shape) * elementBytes(this.dtype)) % SLOT_ALIGNMENT === 0);
    return isAligned ? this.#passToWrite(slot).slot(slot) : null;
  }

  /**
   * Memory for the queries `[B, T, H, D]` of the next reader of slots `0 .. count - 1`, for operators that write their result there
   * (`into`). Null where that saves nothing: no gradient will be asked for, this device does not defer it, or a
   * checkpoint runs or is replayed, whose queries are copied instead.
   */
  queryDestination(count: number, H: number): Tensor | null {
    wholeNumber('depthArena.queryDestination', 'count', count, 0, this.slots);
    wholeNumber('depthArena.queryDestination', 'H', H, 1);
    if (!isRecording() || currentCheckpoint() !== null) return null;
    const pass = this.#pass();
    return pass.isRecorded(count) ? pass.gradients.queryDestination(H) : null;
  }

  /**
   * Slots `skip .. count - 1` for `attentionPrimitive`; until they are written again, or the arena is disposed of.
   *
   * @throws ShapeError when they are not written; AutogradError after `dispose`
   */
  read(count: number, skip = 0): DepthReading {
    const pass = this.#pass();
    const reading = pass.read(count, skip);
    if (reading.S > 0) this.#keepForReplay(pass);
    return reading;
  }

  /** A slot's keys and values, outside the graph: for maps and statistics. @throws ShapeError; AutogradError after `dispose` */
  slot(slot: number): { k: Tensor; v: Tensor } {
    this.#checkSlot(slot);
    return this.#pass().slot(slot);
  }

  /** The pass that a replayed checkpoint works on, or the latest. */
  #pass(): DepthPass {
    const replayed = this.#replayed();
    if (replayed) return replayed;
    if (!this.#isDisposed) return this.#latest;
    throw new AutogradError('depthArena: an arena must be alive to be used, got a disposed one. Make another.');
  }

  /** The pass in which a slot may be written: the next one, begun here, when the latest has that slot already. A replay writes its own again. */
  #passToWrite(slot: number): DepthPass {
    const pass = this.#pass();
    if (pass.isWritten(slot) && !this.#replayed()) this.#beginPass(slot);
    const current = this.#replayed() ?? this.#latest;
    this.#keepForReplay(current);
    return current;
  }

  /** The pass that a replayed checkpoint worked on in its first run; null outside a replay. */
  #replayed(): DepthPass | null {
    return (currentCheckpoint()?.replayed(this) as DepthPass | null | undefined) ?? null;
  }

  /** @throws AutogradError for a second pass in one checkpoint */
  #keepForReplay(pass: DepthPass): void {
    if (currentCheckpoint()?.uses(this, pass) !== false) return;
    throw new AutogradError(
      'checkpoint: a function must work on one pass of a depth stream, got one that it writes after a slot of another was read or written. Checkpoint each pass by itself.',
    );
  }

  /**
   * Begins the next pass, whose first `visible` slots are copies of those of the pass before.
   *
   * @throws AutogradError in a checkpoint, for copies with gradients: they would be newer than the checkpoint's node, which reads them
   */
  #beginPass(visible: number): void {
    const before = this.#latest;
    if (currentCheckpoint() !== null && before.isRecorded(visible)) {
      throw new AutogradError(
        `checkpoint: a function must not begin a pass of a depth stream that keeps slots of the one before, got a write to slot ${visible}, which was written already. Write that slot outside the checkpointed function, or rewind the stream to 0 and write all slots anew.`,
        { slot: visible },
      );
    }
    // Given back first where no slot is copied: the next pass may get the same memory.
    if (visible === 0) before.dispose();
    this.#latest = new DepthPass(this.#layout);
    if (visible === 0) return;
    this.#latest.copySlotsOf(before, visible);
    before.dispose();
  }

  #checkSlot(slot: number): void {
    if (!(Number.isInteger(slot) && slot >= 0 && slot < this.slots)) {
      throw new ShapeError(`depthArena: slot must be whole and in 0..${this.slots - 1}, got ${shown(slot)}.`, {
        slot,
        slots: this.slots,
      });
    }
  }

  /** Gives the memory up. A recorded graph keeps what it reads. Safe to call twice. */
  dispose(): void {
    this.#isDisposed = true;
    this.#latest.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
