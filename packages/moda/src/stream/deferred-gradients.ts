import { assign, type Device, type DType, elementBytes, type Tensor, withoutScope } from '@modajs/tensor';
import { allocateTensor, contiguousStrides, type DepthReservation, sizeOf } from '@modajs/tensor/extend';
import type { DepthGather, DepthReader } from './depth-gather.ts';
import { QueryBuffers } from './query-buffers.ts';

/** The shape of every slot of an arena. */
export interface SlotShape {
  readonly B: number;
  readonly T: number;
  readonly Hkv: number;
  readonly D: number;
  readonly Dv: number;
  readonly dtype: DType;
}

/** A reader in its backward pass: attention that reads slots `first .. first + S - 1`. */
export interface DeferredReader {
  readonly first: number;
  readonly S: number;
  readonly scale: number;
  /** `[B, T, H, D]` and `[B, T, H, Dv]`, contiguous. */
  readonly q: Tensor;
  readonly dOut: Tensor;
}

/** A reader with room in `ReaderBuffers`. */
interface StoredReader extends DepthReader {
  readonly first: number;
  readonly S: number;
  /** How many readers' backward passes ran before this one's; null while it has only reserved its room. Pairs are valid from then on. */
  backwardIndex: number | null;
}

/** A reader's room: its entry of `q` and `dOut`, and where its pairs begin. */
interface Reservation extends DepthReservation {
  readonly buffers: ReaderBuffers;
  readonly reader: StoredReader;
}

/**
 * What several readers store, in one buffer of each kind, so that one gather reaches all of them through three bindings. One of these is
 * enough for most models; readers with another number of heads, or more than one binding can hold, get others.
 */
interface ReaderBuffers {
  readonly H: number;
  /** The buffer in which the forward pass computed the queries, when that is `q`; null when queries are copied into `q`. */
  readonly queryBuffer: Tensor | null;
  readonly maxReaders: number;
  readonly maxPairs: number;
  /** `[maxReaders, B, T, H, D]` */
  readonly q: Tensor;
  /** `[maxReaders, B, T, H, Dv]` */
  readonly dOut: Tensor;
  /** `[maxPairs, 2]`: (p, dS) of each slot, position and query head, one reader's after the other's. */
  readonly pairs: Tensor;
  readonly readers: StoredReader[];
  usedPairs: number;
}

/** A slot's gradient, summed over the readers whose `backwardIndex` is below `summedReaders`. */
interface GatheredSlot {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly summedReaders: number;
}

/** Pairs to which a reader's start is rounded up: 256 bytes of f16, the widest alignment of a binding. */
const ALIGNMENT = 64;

/**
 * From so many readers on, one gather makes up to `maxSlots` slots at once, although the older ones still miss a reader: that is
 * added by a second gather. It saves reading q and dOut of all readers again, and costs one more slot gradient of memory a slot.
 */
const MIN_READERS_TO_GATHER_AHEAD = 4;

/**
 * Depth gradients that are computed once, when a slot's writer asks, instead of being added up reader by reader. A reader's backward
 * pass stores its queries q, its output's gradient dOut and, for each slot, the pairs (p, dS) of softmax probability and score
 * gradient: `S B T H` pairs instead of sums of `S B T Hkv (D + Dv)` numbers. A gather then computes, for a few slots at once and
 * in f32,
 *
 *     dK = sum over readers and heads of scale dS q        dV = sum over readers and heads of p dOut
 *
 * An example: six blocks, counted from 0, that write two slots each, so that block b reads slots 0 to 2b - 1. The backward pass of block 5 stores
 * pairs for slots 0 to 9; the writers of slots 9 and 8 (block 4) come next, and one gather makes both. After block 4's backward pass
 * one makes 7 and 6, after block 3's 5 and 4. After block 2's, slot 3 has four readers, which slots 2, 1 and 0 have too: one gather
 * makes all four. Block 1 reads slots 0 and 1, but runs only now: a second gather adds it to these two.
 *
 * Sums are f32 in registers and are rounded to the slots' dtype when they are stored; a second gather rounds once more.
 *
 * Queries may lie here from the forward pass on (`queryDestination`); all else from the first reader's backward pass until `free()`,
 * which the owner (`SlotGradients`) calls when this `isDone`. A counted reader that never runs backward, because the loss does not depend on
 * it, leaves that undone; then the memory goes with its last holder. The counts of the forward pass (`countReader`) give the sizes, so that every step asks
 * the pool for the same buffers. Reasons and figures: docs/decisions/020 and 022.
 */
export class DeferredGradients {
  readonly #buffers: ReaderBuffers[] = [];
  readonly #gathered = new Map<number, GatheredSlot>();
  /** Slots whose writers have their gradient. */
  readonly #taken = new Set<number>();
  readonly #queries: QueryBuffers;
  /** Readers whose backward pass has run. */
  #storedReaders = 0;
  #expectedReaders = 0;
  #expectedSlots = 0;

  constructor(
    readonly device: Device,
    readonly gather: DepthGather,
    readonly shape: SlotShape,
    /** Readers of a pass; 0 when that is not known. */
    readers = 0,
  ) {
    this.#queries = new QueryBuffers(device, shape, readers, gather.maxBytes);
  }

  /** A reader of `slots` slots will run backward. */
  countReader(slots: number): void {
    this.#expectedReaders++;
    this.#expectedSlots += slots;
  }

  /** Memory for the next reader's queries; null where readers of this shape add up instead, or no buffer is left. */
  queryDestination(H: number): Tensor | null {
    return this.gather.prefers({ ...this.shape, H }) ? this.#queries.next(H) : null;
  }

  /**
   * Reserves a reader's room, so that its output's gradient can be computed there; null where readers of this shape add up
   * instead, or one binding cannot hold the reader.
   */
  reserve({ first, S, scale, q }: Omit<DeferredReader, 'dOut'>): Reservation | null {
    const H = q.shape[2];
    const { B, T, dtype } = this.shape;
    if (q.dtype !== dtype || !this.gather.prefers({ ...this.shape, H })) return null;
    const pairs = Math.ceil((S * B * T * H) / ALIGNMENT) * ALIGNMENT;
    const found = this.#queries.find(q);
    const buffers = this.#buffersFor(H, pairs, found?.buffer ?? null);
    if (buffers === null) return null;
    const row = found?.row ?? buffers.readers.length;
    const reader: StoredReader = { first, S, scale, row, firstPair: buffers.usedPairs, backwardIndex: null };
    buffers.readers.push(reader);
    buffers.usedPairs += pairs;
    return { buffers, reader, dOut: () => entryOf(buffers.dOut, row) };
  }

  /**
   * Stores a reader's queries and output gradient, by copies where they are not there already, and gives the memory into which its
   * backward pass must write the pairs (p, dS), `[S, B, T, H, 2]`; null as `reserve`.
   *
   * @param reservation what the reader has reserved, or null
   */
  store(reader: DeferredReader, reservation: DepthReservation | null): Tensor | null {
    const reserved = (reservation as Reservation | null) ?? this.reserve(reader);
    if (reserved === null) return null;
    const { buffers, reader: stored } = reserved;
    stored.backwardIndex = this.#storedReaders++;
    this.#copyInto(buffers.q, stored.row, reader.q);
    this.#copyInto(buffers.dOut, stored.row, reader.dOut);
    const { B, T } = this.shape;
    const shape = [reader.S, B, T, buffers.H, 2];
    return buffers.pairs.alias(shape, contiguousStrides(shape), stored.firstPair * 2);
  }

  /** Copies into an entry of the first axis what is not there already. */
  #copyInto(whole: Tensor, entry: number, from: Tensor): void {
    const to = withoutScope(() => entryOf(whole, entry));
    const isThere = from.storage === to.storage && from.offset === to.offset;
    if (!isThere) assign(to, from);
    to.dispose();
  }

  /** Buffers with room for one more reader, whose queries lie in `queryBuffer` or will be copied (null). */
  #buffersFor(H: number, pairs: number, queryBuffer: Tensor | null): ReaderBuffers | null {
    const last = this.#buffers.findLast((buffers) => buffers.queryBuffer?.storage === queryBuffer?.storage);
    const hasRoom = last && last.readers.length < last.maxReaders && last.usedPairs + pairs <= last.maxPairs;
    if (hasRoom && last.H === H) return last;
    const { B, T, D, Dv, dtype } = this.shape;
    const bytes = elementBytes(dtype);
    const mostReaders = Math.floor(this.gather.maxBytes / (B * T * H * Math.max(D, Dv) * bytes));
    const mostPairs = Math.floor(this.gather.maxBytes / (2 * bytes));
    if (mostReaders < (queryBuffer?.shape[0] ?? 1) || pairs > mostPairs) return null;
    const known = this.#buffers.flatMap(({ readers }) => readers);
    const readersToCome = Math.max(1, this.#expectedReaders - known.length);
    const slotsToCome = this.#expectedSlots - known.reduce((n, { S }) => n + S, 0);
    const maxReaders = queryBuffer?.shape[0] ?? Math.min(mostReaders, readersToCome);
    const expectedPairs = slotsToCome * B * T * H + readersToCome * (ALIGNMENT - 1);
    const maxPairs = Math.min(mostPairs, Math.max(pairs, expectedPairs));
    const make = (...shape: number[]): Tensor => allocateTensor(this.device, shape, dtype);
    const buffers = withoutScope((): ReaderBuffers => {
      return {
        H,
        maxReaders,
        maxPairs,
        readers: [],
        usedPairs: 0,
        queryBuffer: queryBuffer?.alias() ?? null,
        q: queryBuffer?.alias() ?? make(maxReaders, B, T, H, D),
        dOut: make(maxReaders, B, T, H, Dv),
        pairs: make(maxPairs, 2),
      };
    });
    this.#buffers.push(buffers);
    return buffers;
  }

  /**
   * The gradient of a slot's keys `[B, T, Hkv, D]` and values `[B, T, Hkv, Dv]` from all readers so far, for its writer; null without
   * readers. Older slots are gathered along with it, for their writers come next.
   */
  takeGradient(slot: number): { k: Tensor; v: Tensor } | null {
    this.#taken.add(slot);
    if (!this.#gathered.has(slot) && !this.#gatherUpTo(slot)) return null;
    const gathered = this.#gathered.get(slot)!;
    this.#addLateReaders(slot, gathered);
    this.#gathered.delete(slot);
    return gathered;
  }

  /** Gathers a slot, and older neighbours with the same readers so far; false without readers. */
  #gatherUpTo(slot: number): boolean {
    const readers = this.#readersOf(slot, 0);
    if (readers.length === 0) return false;
    const maxSlots = readers.length >= MIN_READERS_TO_GATHER_AHEAD ? this.gather.maxSlots : 2;
    const hasSameReaders = (older: number): boolean =>
      older >= 0 && !this.#gathered.has(older) && this.#isReadBy(older, readers, 0);
    let slots = 1;
    while (slots < maxSlots && hasSameReaders(slot - slots)) slots++;
    const { B, T, Hkv, D, Dv, dtype } = this.shape;
    const first = slot - slots + 1;
    withoutScope(() => {
      const group = {
        k: allocateTensor(this.device, [slots, B, T, Hkv, D], dtype),
        v: allocateTensor(this.device, [slots, B, T, Hkv, Dv], dtype),
      };
      this.#gather(first, slots, 0, group);
      for (let n = 0; n < slots; n++) {
        const [k, v] = [entryOf(group.k, n), entryOf(group.v, n)];
        this.#gathered.set(first + n, { k, v, summedReaders: this.#storedReaders });
      }
      group.k.dispose();
      group.v.dispose();
    });
    return true;
  }

  /** Whether a slot's readers, of those from `from` on, are these. */
  #isReadBy(slot: number, readers: readonly StoredReader[], from: number): boolean {
    const found = this.#readersOf(slot, from);
    return found.length === readers.length && found.every((reader, n) => reader === readers[n]);
  }

  /** Adds readers that ran after a slot was gathered; to the slot before it in the same gather where that misses the same ones. */
  #addLateReaders(slot: number, gathered: GatheredSlot): void {
    const { summedReaders } = gathered;
    const late = this.#readersOf(slot, summedReaders);
    if (late.length === 0) return;
    const before = this.#gathered.get(slot - 1);
    const missesTheSame =
      before?.k.storage === gathered.k.storage &&
      before.summedReaders === summedReaders &&
      this.#isReadBy(slot - 1, late, summedReaders);
    if (!missesTheSame) {
      this.#gather(slot, 1, summedReaders, gathered);
      return;
    }
    // Neighbours of one gather lie side by side.
    const twoSlots = (tensor: Tensor): Tensor => {
      const shape = [2, ...tensor.shape];
      return tensor.alias(shape, contiguousStrides(shape));
    };
    const together = { k: twoSlots(before.k), v: twoSlots(before.v) };
    this.#gather(slot - 1, 2, summedReaders, together);
    this.#gathered.set(slot - 1, { ...before, summedReaders: this.#storedReaders });
    together.k.dispose();
    together.v.dispose();
  }

  /** Whether all counted readers came and every slot they read that has a writer was taken: then nothing here is needed. */
  isDone(hasWriter: (slot: number) => boolean): boolean {
    if (this.#storedReaders === 0 || this.#storedReaders !== this.#expectedReaders) return false;
    return this.#buffers
      .flatMap(({ readers }) => readers)
      .every(({ first, S }) =>
        Array.from({ length: S }, (_, n) => first + n).every((slot) => this.#taken.has(slot) || !hasWriter(slot)),
      );
  }

  /** Readers of a slot whose backward pass has run, from the `from`th on. */
  #readersOf(slot: number, from: number): StoredReader[] {
    return this.#buffers.flatMap(({ readers }) => readers).filter((reader) => isReader(reader, slot, from));
  }

  /** Sums readers from the `from`th on over `slots` slots into `out`: added to what is there when earlier ones are in it already. */
  #gather(first: number, slots: number, from: number, out: { k: Tensor; v: Tensor }): void {
    const { B, T, Hkv, D, Dv } = this.shape;
    let accumulate = from > 0;
    for (const { H, q, dOut, pairs, readers: stored } of this.#buffers) {
      const readers = stored
        .filter((reader) => isReader(reader, first, from))
        .map(({ row, firstPair, scale, first: firstRead }) => ({
          row,
          scale,
          firstPair: firstPair + (first - firstRead) * B * T * H,
        }));
      if (readers.length === 0) continue;
      this.gather.run({
        B,
        T,
        H,
        Hkv,
        D,
        Dv,
        slots,
        accumulate,
        readers,
        q: q.view,
        dOut: dOut.view,
        pairs: pairs.view,
        dk: out.k.view,
        dv: out.v.view,
      });
      accumulate = true;
    }
  }

  /** Frees everything: all writers have their gradients. */
  free(): void {
    this.#queries.free();
    for (const { queryBuffer, q, dOut, pairs } of this.#buffers) {
      for (const tensor of [queryBuffer, q, dOut, pairs]) tensor?.dispose();
    }
    for (const { k, v } of this.#gathered.values()) for (const tensor of [k, v]) tensor.dispose();
    this.#buffers.length = 0;
    this.#gathered.clear();
    this.#taken.clear();
    this.#storedReaders = 0;
  }
}

/** Whether a reader has stored its pairs, as the `from`th or later, and a slot is among those it read. */
function isReader({ first, S, backwardIndex }: StoredReader, slot: number, from: number): boolean {
  return backwardIndex !== null && backwardIndex >= from && first <= slot && slot < first + S;
}

/** Entry `n` of the first axis. */
function entryOf(whole: Tensor, n: number): Tensor {
  const shape = whole.shape.slice(1);
  return whole.alias(shape, contiguousStrides(shape), n * sizeOf(shape));
}
