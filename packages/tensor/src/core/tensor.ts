import type { ArrayView } from '../backends/backend.ts';
import type { GradNode } from './autograd.ts';
import { otherCopyCure } from './copies.ts';
import { type Device, SharedStorage } from './device.ts';
import { type DType, type HostArray, isFloat } from './dtype.ts';
import { AutogradError, ConfigError, OutOfMemoryError, SHOWN, ShapeError, shown } from './errors.ts';
import { formatValues } from './format-values.ts';
import type { ParameterRole } from './parameter-role.ts';
import { currentScope, type Scope } from './scope.ts';
import { contiguousStrides, formatShape, isContiguous, type Shape, sizeOf } from './shape.ts';
import { inspectedTensor, tensorTitle } from './show-tensor.ts';
import { isPromise } from './value-checks.ts';

let writeCount = 0;

/** How many writes in place there have been: a time. */
export function writesSoFar(): number {
  return writeCount;
}

/**
 * An n-dimensional array on a device, or a strided view of one. Operators are functions (`add(a, b)`), so bundlers keep
 * only what is used. Memory belongs to the scope the tensor was made in, else to the caller (`dispose`).
 */
export class Tensor implements Disposable {
  readonly isTensor = true;
  readonly shape: Shape;
  readonly strides: readonly number[];
  /** Elements from the start of the storage. */
  readonly offset: number;
  /** The accumulated gradient of a parameter; null before the first `backward`. */
  grad: Tensor | null = null;
  /** Memory of a parameter's gradient, which `grad` is then a view of; null to let `backward` allocate it. */
  gradDestination: Tensor | null = null;
  /** What a parameter is in its model; null for other tensors and for parameters that nobody gave one. */
  role: ParameterRole | null = null;
  /** Kept by a recorded operator for its gradient. */
  isSaved = false;
  /** Whether something wrote to the values of a kept tensor in place, so that its gradient would be another's. */
  isOverwritten = false;
  /** The last write in place through this handle, or through the one it was made from before: a `writesSoFar`; 0 for none. */
  writtenAt = 0;
  /** The scope that will dispose of this tensor. */
  owner: Scope | null;
  /** Where the gradient goes; internal to autograd. */
  node: GradNode | null = null;
  /** Which of the node's outputs this is. */
  outputIndex = 0;
  #storage: SharedStorage | null;

  /** Internal: takes over one reference of `storage`. Use `tensor`, `zeros`, ... */
  constructor(storage: SharedStorage, shape: Shape, strides: readonly number[] = contiguousStrides(shape), offset = 0) {
    this.#storage = storage;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
    this.owner = currentScope();
    this.owner?.adopt(this);
    storage.handles.add(this);
  }

  get storage(): SharedStorage {
    if (this.#storage === null) {
      throw new AutogradError(
        `tensor: a tensor must be alive to be used, got a disposed one of shape ${formatShape(this.shape)}. Return it from its scope, or \`keep\` it.`,
      );
    }
    return this.#storage;
  }

  get isDisposed(): boolean {
    return this.#storage === null;
  }

  get device(): Device {
    return this.storage.device;
  }

  get dtype(): DType {
    return this.storage.raw.dtype;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get rank(): number {
    return this.shape.length;
  }

  get isContiguous(): boolean {
    return isContiguous(this.shape, this.strides);
  }

  /** No other tensor sees any of these elements: writing in place changes nobody else's values. */
  get hasNoOverlappingAlias(): boolean {
    const { handles } = this.storage;
    if (handles.size === 1) return true;
    const end = endOf(this);
    for (const other of handles) {
      if (other !== this && other.offset < end && this.offset < endOf(other)) return false;
    }
    return true;
  }

  /** Whether a recorded operator keeps values of this memory for its gradient. */
  get isNeededByGraph(): boolean {
    if (this.storage.savedHandles === 0) return false;
    for (const other of this.storage.handles) if (other.isSaved && overlap(this, other)) return true;
    return false;
  }

  /** Says that a recorded operator keeps this handle for its gradient. */
  markSaved(): void {
    this.isSaved = true;
    this.storage.savedHandles++;
  }

  /** Says that these elements get new values in place: recorded operators that keep the old ones cannot run backward any more. */
  markOverwritten(): void {
    this.writtenAt = ++writeCount;
    this.storage.writtenAt = writeCount;
    if (this.storage.savedHandles === 0) return;
    for (const other of this.storage.handles) if (other.isSaved && overlap(this, other)) other.isOverwritten = true;
  }

  /** Whether two elements lie in the same memory: an expanded view, which cannot be written to. */
  get repeatsElements(): boolean {
    return this.shape.some((extent, axis) => extent > 1 && this.strides[axis] === 0);
  }

  get requiresGrad(): boolean {
    return this.node !== null;
  }

  /** What backends see. */
  get view(): ArrayView {
    const raw = this.storage.raw;
    return { storage: raw, dtype: raw.dtype, shape: this.shape, strides: this.strides, offset: this.offset };
  }

  /** A second handle on the same memory, outside the graph. */
  alias(shape: Shape = this.shape, strides: readonly number[] = this.strides, offset: number = this.offset): Tensor {
    const other = new Tensor(this.storage.retain(), shape, strides, offset);
    other.writtenAt = this.writtenAt;
    return other;
  }

  /** The same values, cut from the graph. */
  detach(): Tensor {
    return this.alias();
  }

  /**
   * The values, row-major, after all recorded work: `Float32Array` (`Float64Array` on the reference device),
   * `Int32Array` or `Uint32Array`.
   */
  async data(): Promise<HostArray> {
    const { device } = this;
    if (this.isContiguous) return device.backend.download(this.storage.raw, this.offset, this.size);
    const raw = device.backend.allocate(this.size, this.dtype);
    const dense: ArrayView = {
      storage: raw,
      dtype: this.dtype,
      shape: this.shape,
      strides: contiguousStrides(this.shape),
      offset: 0,
    };
    device.backend.copy(this.view, dense);
    const pending = device.backend.download(raw, 0, this.size);
    device.backend.release(raw);
    return pending;
  }

  /** The value of a tensor with one element. @throws ShapeError */
  async item(): Promise<number> {
    if (this.size !== 1) {
      throw new ShapeError(`item: the tensor must have one element, got shape ${formatShape(this.shape)}. Use data().`);
    }
    return (await this.data())[0];
  }

  /**
   * The values in nested arrays, `[[1, 2], [3, 4]]` for shape `[2, 2]`; a number for rank 0. With the rank, `array(2)`, their type is that
   * of such arrays, `number[][]`.
   *
   * @throws ShapeError when the tensor has another rank than the one given
   */
  array(): Promise<NestedArray>;
  array<Rank extends keyof ArrayOfRank>(rank: Rank): Promise<ArrayOfRank[Rank]>;
  async array(rank?: number): Promise<NestedArray> {
    if (rank !== undefined && rank !== this.rank) {
      throw new ShapeError(
        `array: rank must be that of the tensor, got ${shown(rank)} for shape ${formatShape(this.shape)}. Use array(${this.rank}).`,
      );
    }
    return nested(await this.data(), this.shape, 0, 0);
  }

  /** Prints dtype, shape, device and values, of large tensors the ends of each axis. */
  async print(): Promise<void> {
    const title = tensorTitle(this);
    const strides = contiguousStrides(this.shape);
    const values = await this.data();
    const at = (index: readonly number[]): number => values[index.reduce((sum, i, axis) => sum + i * strides[axis], 0)];
    console.log(`${title}\n${formatValues(this.shape, at, isFloat(this.dtype))}`);
  }

  /** Gives up this handle; the memory goes when the last handle does. Safe to call twice. */
  dispose(): void {
    if (this.#storage === null) return;
    this.owner?.forget(this);
    this.owner = null;
    this.#storage.handles.delete(this);
    if (this.isSaved) this.#storage.savedHandles--;
    this.#storage.release();
    this.#storage = null;
    this.node?.release();
    this.node = null;
    this.grad?.dispose();
    this.grad = null;
    this.gradDestination?.dispose();
    this.gradDestination = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Shape and dtype, and how to see the values. */
  toString(): string {
    return this.isDisposed ? tensorTitle(this) : `${tensorTitle(this)} values: await tensor.print()`;
  }

  [SHOWN](): string {
    return tensorTitle(this);
  }

  /** What `console.log` prints in Node: with the values where they are in the host's memory (`cpu`, `reference`). */
  [Symbol.for('nodejs.util.inspect.custom')](depth: number): string {
    return depth < 0 ? tensorTitle(this) : inspectedTensor(this);
  }
}

/** Values in arrays, an array for each axis; a number for a tensor of rank 0. */
export type NestedArray = number | readonly NestedArray[];

/** What `array(rank)` gives, by rank. */
export interface ArrayOfRank {
  0: number;
  1: number[];
  2: number[][];
  3: number[][][];
  4: number[][][][];
  5: number[][][][][];
}

function nested(values: HostArray, shape: Shape, axis: number, at: number): NestedArray {
  if (axis === shape.length) return values[at];
  const stride = sizeOf(shape.slice(axis + 1));
  return Array.from({ length: shape[axis] }, (_, i) => nested(values, shape, axis + 1, at + i * stride));
}

/** Whether both see memory between the same elements of one storage. */
export function overlap(a: Tensor, b: Tensor): boolean {
  return a.storage === b.storage && b.offset < endOf(a) && a.offset < endOf(b);
}

/** Element after the last that a tensor sees. */
function endOf({ shape, strides, offset }: Tensor): number {
  return shape.reduce((end, extent, axis) => end + (extent - 1) * strides[axis], offset + 1);
}

/** What an operator was given as a tensor. @throws ConfigError when it is none; AutogradError when it is disposed */
export function livingTensor(operation: string, name: string, value: unknown): Tensor {
  if (!(value instanceof Tensor)) {
    const isOfAnotherCopy = typeof value === 'object' && value !== null && 'isTensor' in value;
    const cure = isPromise(value)
      ? `Write \`await\` before what returned it.`
      : (isOfAnotherCopy && otherCopyCure()) || 'Make one with tensor().';
    throw new ConfigError(`${operation}: ${name} must be a tensor, got ${shown(value)}. ${cure}`, { name, value });
  }
  if (value.isDisposed) {
    throw new AutogradError(
      `${operation}: ${name} must be alive, got a disposed tensor of shape ${formatShape(value.shape)}. Return it from its scope, or \`keep\` it.`,
      { name },
    );
  }
  return value;
}

/** No device addresses more elements; sizes beyond lose digits when they are counted in bytes. */
const MAX_ELEMENTS = 2 ** 48;

/** Elements of a shape. @throws OutOfMemoryError when no device holds so many */
export function checkSize(shape: Shape): number {
  const size = sizeOf(shape);
  if (!(size <= MAX_ELEMENTS)) {
    throw new OutOfMemoryError(
      `tensor: ${formatShape(shape)} needs ${size} elements, which no device holds, got at most ${MAX_ELEMENTS}. Use a smaller shape.`,
      { shape },
    );
  }
  return size;
}

/** A new contiguous tensor with undefined contents. @throws OutOfMemoryError */
export function allocateTensor(device: Device, shape: Shape, dtype: DType): Tensor {
  return new Tensor(new SharedStorage(device, device.backend.allocate(checkSize(shape), dtype)), shape);
}
