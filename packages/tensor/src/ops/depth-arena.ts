import type { DepthSegment } from '../backends/attention-arguments.ts';
import { type GradNode, isRecording, makeNode } from '../core/autograd.ts';
import type { Device } from '../core/device.ts';
import { defaultDevice } from '../core/device.ts';
import { type DType, elementBytes } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { withoutScope } from '../core/scope.ts';
import { contiguousStrides, sizeOf } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import type { DepthGradients, DepthReading } from './attention.ts';
import { currentCheckpoint } from './checkpoint.ts';
import { sameDType, shapeIs } from './checks.ts';
import { empty } from './creation.ts';
import { DeferredDepth } from './deferred-depth.ts';
import { skipSlots } from './depth-segments.ts';

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

/** Bytes: the start of a binding on every WebGPU device. */
const SLOT_ALIGNMENT = 256;

interface Segment {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly slots: number;
}

/**
 * The depth stream's memory: every slot `[B, T, Hkv, D]` of keys and `[B, T, Hkv, Dv]` of values that the model's layers
 * write, in one allocation per kind. Writing copies into the slot, reading copies nothing. In the backward pass, latest
 * reader first, readers leave what the slots' gradients are made from when a slot's writer takes its own (`DeferredDepth`),
 * or, where the device prefers that or cannot do otherwise, add into one f32 gradient arena in place. That arena lives from
 * the first reader's backward pass to the next forward pass, what readers leave to the last writer's.
 */
export class DepthArena implements Disposable {
  readonly device: Device;
  readonly dtype: DType;
  readonly slots: number;
  readonly #segments: Segment[];
  readonly #slotK: readonly number[];
  readonly #slotV: readonly number[];
  readonly #writers: (GradNode | null)[];
  readonly #deferred: DeferredDepth | null;
  #gradients: Segment[] | null = null;
  #lastWritten = -1;

  /** @throws OutOfMemoryError | DTypeError */
  constructor({
    slots,
    B,
    T,
    Hkv,
    D,
    Dv = D,
    dtype = 'f32',
    device = defaultDevice(),
    readers = 0,
    maxSegmentBytes = 2 ** 30,
  }: DepthArenaOptions) {
    this.device = device;
    this.dtype = dtype;
    this.slots = slots;
    this.#slotK = [B, T, Hkv, D];
    this.#slotV = [B, T, Hkv, Dv];
    this.#writers = new Array<GradNode | null>(slots).fill(null);
    const slotBytes = Math.max(sizeOf(this.#slotK), sizeOf(this.#slotV)) * 4;
    const perSegment = Math.max(1, Math.floor(maxSegmentBytes / Math.max(1, slotBytes)));
    this.#segments = withoutScope(() => this.#allocate(perSegment, dtype));
    const { depthDeferral } = device.backend;
    this.#deferred = depthDeferral && new DeferredDepth(device, depthDeferral, { B, T, Hkv, D, Dv, dtype }, readers);
  }

  #allocate(perSegment: number, dtype: DType): Segment[] {
    const segments: Segment[] = [];
    for (let left = this.slots; left > 0; left -= perSegment) {
      const slots = Math.min(left, perSegment);
      const options = { dtype, device: this.device };
      segments.push({ slots, k: empty([slots, ...this.#slotK], options), v: empty([slots, ...this.#slotV], options) });
    }
    return segments;
  }

  /**
   * Puts keys and values into a slot, by a copy unless they are there already. In a recorded graph their gradient is what readers left in the slot.
   *
   * @param k `[B, T, Hkv, D]`
   * @param v `[B, T, Hkv, Dv]`
   * @throws ShapeError for another shape or a slot out of range
   */
  writeSlot(slot: number, k: Tensor, v: Tensor): void {
    this.#checkSlot(slot);
    shapeIs('depthArena.writeSlot', 'k', k.shape, this.#slotK, '[B, T, Hkv, D]');
    shapeIs('depthArena.writeSlot', 'v', v.shape, this.#slotV, '[B, T, Hkv, Dv]');
    sameDType('depthArena.writeSlot', k, v);
    withoutScope(() => {
      const target = this.#slot(this.#segments, slot);
      for (const [from, to] of [
        [k, target.k],
        [v, target.v],
      ] as const) {
        const isThere = from.storage === to.storage && from.offset === to.offset && from.isContiguous;
        if (!isThere) this.device.backend.copy(from.view, to.view);
        to.dispose();
      }
    });
    this.#setWriter(slot, k, v);
  }

  /**
   * Memory of a slot, for operators that write their result there (`into`): what `writeSlot` then finds in place is not copied.
   * Null when slots do not start where a device can bind them.
   */
  slotMemory(slot: number): { k: Tensor; v: Tensor } | null {
    this.#checkSlot(slot);
    const bytes = [this.#slotK, this.#slotV].map((shape) => sizeOf(shape) * elementBytes(this.dtype));
    return bytes.every((length) => length % SLOT_ALIGNMENT === 0) ? this.#slot(this.#segments, slot) : null;
  }

  /**
   * Memory for the queries `[B, T, H, D]` of the next reader of slots `0 .. count - 1`, for operators that write their result there
   * (`into`). Null where that saves nothing: no gradient will be asked for, or it is not made from queries later.
   */
  queryMemory(count: number, H: number): Tensor | null {
    const isRead = this.#writers.slice(0, count).some((node) => node !== null);
    return isRead && isRecording() && currentCheckpoint() === null ? (this.#deferred?.queryMemory(H) ?? null) : null;
  }

  #setWriter(slot: number, k: Tensor, v: Tensor): void {
    let writer: GradNode | null = null;
    const { dtype } = k; // k itself may be gone when backward runs
    const checkpoint = currentCheckpoint();
    if (isRecording() && (k.node || v.node)) {
      writer = makeNode(
        [k.node, v.node],
        [k.outputIndex, v.outputIndex],
        [],
        () => this.#takeGradient(slot, dtype),
        true,
      );
      checkpoint?.wrote(writer);
    } else if (checkpoint !== null) {
      writer = checkpoint.node.retain();
    }
    // A write while a checkpoint replays is part of the backward pass; any other starts a new forward pass.
    if (!(isRecording() && checkpoint !== null)) this.#beginWrite(slot);
    this.#writers[slot]?.release();
    this.#writers[slot] = writer;
  }

  /** A write of a forward pass: gradients of the one before are done with, and slots are written in order. */
  #beginWrite(slot: number): void {
    this.#dropGradients();
    if (slot <= this.#lastWritten) this.#deferred?.forgetExpected();
    this.#lastWritten = slot;
  }

  /**
   * Slots `skip .. count - 1` for `attentionPrimitive`.
   *
   * @throws ShapeError when they are not slots of the arena
   */
  read(count: number, skip = 0): DepthReading {
    if (!(Number.isInteger(count) && Number.isInteger(skip) && 0 <= skip && skip <= count && count <= this.slots)) {
      throw new ShapeError(
        `depthArena.read: 0 <= skip <= count <= slots must hold, got skip=${skip}, count=${count}, slots=${this.slots}.`,
        { skip, count, slots: this.slots },
      );
    }
    const S = count - skip;
    const writers = [...new Set(this.#writers.slice(skip, count).filter((node) => node !== null))];
    // Once for each reader that will run backward: when it is recorded, or runs in a checkpoint for the first time.
    if (writers.length > 0 && isRecording() === (currentCheckpoint() === null)) this.#deferred?.expect(S);
    return {
      S,
      Td: this.#slotK[1],
      segments: skipSlots(views(this.#segments), skip),
      gradients: writers.length > 0 ? this.#gradientsOf(skip, S) : null,
      writers,
    };
  }

  #gradientsOf(first: number, S: number): DepthGradients {
    return {
      segments: () => skipSlots(views(this.#gradientArena()), first),
      reserve: (reader) => this.#deferred?.reserve({ ...reader, first, S }) ?? null,
      defer: (reader, place) => this.#deferred?.leave({ ...reader, first, S }, place) ?? null,
    };
  }

  #gradientArena(): Segment[] {
    if (this.#gradients === null) {
      this.#gradients = withoutScope(() => this.#allocate(this.#segments[0].slots, 'f32'));
      for (const { k, v } of this.#gradients) for (const tensor of [k, v]) this.device.backend.fill(tensor.view, 0);
    }
    return this.#gradients;
  }

  #takeGradient(slot: number, dtype: DType): (Tensor | null)[] {
    const deferred = this.#deferred?.take(slot) ?? null;
    if (this.#deferred?.isDone((at) => this.#writers[at] !== null)) this.#deferred.finish();
    const added = this.#gradients && this.#slot(this.#gradients, slot);
    return (['k', 'v'] as const).map((part) => {
      const later = deferred && (deferred[part].dtype === dtype ? deferred[part] : this.#copyOf(deferred[part], dtype));
      const sum = added && this.#copyOf(added[part], dtype);
      if (later === null || sum === null) return later ?? sum;
      this.device.backend.binary('add', sum.view, later.view, sum.view);
      later.dispose();
      return sum;
    });
  }

  /** Consumes the handle. */
  #copyOf(gradient: Tensor, dtype: DType): Tensor {
    const copy = allocateTensor(this.device, gradient.shape, dtype);
    this.device.backend.copy(gradient.view, copy.view);
    gradient.dispose();
    return copy;
  }

  #dropGradients(): void {
    this.#deferred?.drop();
    for (const segment of this.#gradients ?? []) {
      segment.k.dispose();
      segment.v.dispose();
    }
    this.#gradients = null;
  }

  #slot(segments: readonly Segment[], slot: number): { k: Tensor; v: Tensor } {
    let index = slot;
    const segment = segments.find((candidate) => {
      if (index < candidate.slots) return true;
      index -= candidate.slots;
      return false;
    })!;
    const part = (tensor: Tensor, shape: readonly number[]): Tensor =>
      tensor.alias(shape, contiguousStrides(shape), index * sizeOf(shape));
    return { k: part(segment.k, this.#slotK), v: part(segment.v, this.#slotV) };
  }

  /** Copies of a slot's keys and values, outside the graph: for maps and statistics. */
  slot(slot: number): { k: Tensor; v: Tensor } {
    this.#checkSlot(slot);
    return this.#slot(this.#segments, slot);
  }

  #checkSlot(slot: number): void {
    if (!(Number.isInteger(slot) && slot >= 0 && slot < this.slots)) {
      throw new ShapeError(`depthArena: slot must be in 0..${this.slots - 1}, got ${slot}.`, {
        slot,
        slots: this.slots,
      });
    }
  }

  /** Frees the arena. A recorded graph that reads it must have run backward before. */
  dispose(): void {
    for (const segment of this.#segments) {
      segment.k.dispose();
      segment.v.dispose();
    }
    this.#dropGradients();
    this.#deferred?.finish();
    this.#writers.forEach((writer, slot) => {
      writer?.release();
      this.#writers[slot] = null;
    });
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function views(segments: readonly Segment[]): DepthSegment[] {
  return segments.map(({ k, v }) => ({ k: k.view, v: v.view }));
}
