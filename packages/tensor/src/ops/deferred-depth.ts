import type { DepthReader } from '../backends/attention-arguments.ts';
import type { ArrayView, DepthDeferral } from '../backends/backend.ts';
import type { Device } from '../core/device.ts';
import { type DType, elementBytes } from '../core/dtype.ts';
import { withoutScope } from '../core/scope.ts';
import { contiguousStrides, sizeOf } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import type { DepthPlace } from './attention.ts';
import { QueryRows } from './query-rows.ts';

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
  readonly q: ArrayView;
  readonly dOut: ArrayView;
}

interface LeftReader extends DepthReader {
  readonly first: number;
  readonly S: number;
  /** Position among all readers of the pass that have left; null for one that has only reserved. */
  order: number | null;
}

/** A reader's place among the others. */
interface Place extends DepthPlace {
  readonly piece: Piece;
  readonly reader: LeftReader;
}

/** Memory of some readers, side by side: one binding each for q, dOut and the weights of all. */
interface Piece {
  readonly H: number;
  /** The block of queries that is its `q`; null when queries are copied into it. */
  readonly block: Tensor | null;
  readonly rows: number;
  readonly pairs: number;
  readonly q: Tensor;
  readonly dOut: Tensor;
  /** `[pairs, 2]` of (p, dS). */
  readonly weights: Tensor;
  readonly readers: LeftReader[];
  usedPairs: number;
}

interface GatheredSlot {
  readonly k: Tensor;
  readonly v: Tensor;
  /** Readers of the pass that are in it. */
  readonly readers: number;
}

/** Pairs to which a reader's start is rounded up: 256 bytes of f16, the widest alignment of a binding. */
const ALIGNMENT = 64;

/** Readers from which on it pays to gather slots ahead of their last reader, which is added later: each slot once more in memory. */
const WORTH_READERS = 4;

/**
 * Depth gradients put off until a slot's writer asks: every reader leaves its queries, output gradients and softmax weights;
 * one gather per few slots then makes `dK = sum scale dS q` and `dV = sum p dOut` over all readers, in f32, written once.
 * A reader leaves `S B T H` pairs instead of adding to `S B T Hkv (D + Dv)` gradients.
 *
 * Memory lives from the first reader to `finish()`, which its owner calls when it `isDone`; `expect` during the forward pass sizes it,
 * so that a repeated pass asks for the same blocks again.
 */
export class DeferredDepth {
  readonly #pieces: Piece[] = [];
  readonly #gathered = new Map<number, GatheredSlot>();
  readonly #taken = new Set<number>();
  readonly #queries: QueryRows;
  #readers = 0;
  #expectedReaders = 0;
  #expectedSlots = 0;

  constructor(
    readonly device: Device,
    readonly deferral: DepthDeferral,
    readonly shape: SlotShape,
    /** Readers of a pass; 0 when that is not known. */
    readers = 0,
  ) {
    this.#queries = new QueryRows(device, shape, readers, deferral.maxBytes);
  }

  /** A reader of `slots` slots will come in the backward pass. */
  expect(slots: number): void {
    this.#expectedReaders++;
    this.#expectedSlots += slots;
  }

  /** Memory for the next reader's queries; null when the device would rather add up, or there is no row left. */
  queryMemory(H: number): Tensor | null {
    return this.deferral.prefers({ ...this.shape, H }) ? this.#queries.next(H) : null;
  }

  /**
   * Gives a reader its place, so that its output gradient can be made there; null when the device would rather add up, or one
   * binding cannot hold the reader.
   */
  reserve({ first, S, scale, q }: Omit<DeferredReader, 'dOut'>): Place | null {
    const H = q.shape[2];
    const { B, T, dtype } = this.shape;
    if (q.dtype !== dtype || !this.deferral.prefers({ ...this.shape, H })) return null;
    const pairs = Math.ceil((S * B * T * H) / ALIGNMENT) * ALIGNMENT;
    const found = this.#queries.find(q);
    const piece = this.#pieceFor(H, pairs, found?.block ?? null);
    if (piece === null) return null;
    const reader = {
      first,
      S,
      scale,
      row: found?.row ?? piece.readers.length,
      firstPair: piece.usedPairs,
      order: null,
    };
    piece.readers.push(reader);
    piece.usedPairs += pairs;
    return { piece, reader, dOut: () => partOf(piece.dOut, reader.row) };
  }

  /**
   * Keeps what a reader's slots need and returns where its backward pass must leave `[S, B, T, H]` pairs (p, dS); null as `reserve`.
   *
   * @param place what the reader has reserved, or null
   */
  leave(own: DeferredReader, place: DepthPlace | null): Tensor | null {
    const { piece, reader } = (place as Place | null) ?? this.reserve(own) ?? { piece: null, reader: null };
    if (piece === null) return null;
    reader.order = this.#readers++;
    for (const [from, to] of [
      [own.q, piece.q],
      [own.dOut, piece.dOut],
    ] as const) {
      const kept = withoutScope(() => partOf(to, reader.row));
      const isThere = from.storage === kept.view.storage && from.offset === kept.offset;
      if (!isThere) this.device.backend.copy(from, kept.view);
      kept.dispose();
    }
    const { B, T } = this.shape;
    const weights = [own.S, B, T, piece.H, 2];
    return piece.weights.alias(weights, contiguousStrides(weights), reader.firstPair * 2);
  }

  /** A piece with room for a reader more, whose queries are `block` or will be copied. */
  #pieceFor(H: number, pairs: number, block: Tensor | null): Piece | null {
    const last = this.#pieces.findLast((piece) => piece.block?.storage === block?.storage);
    if (last && last.H === H && last.readers.length < last.rows && last.usedPairs + pairs <= last.pairs) return last;
    const { B, T, D, Dv, dtype } = this.shape;
    const bytes = elementBytes(dtype);
    const maxRows = Math.floor(this.deferral.maxBytes / (B * T * H * Math.max(D, Dv) * bytes));
    const maxPairs = Math.floor(this.deferral.maxBytes / (2 * bytes));
    if (maxRows < (block?.shape[0] ?? 1) || pairs > maxPairs) return null;
    const known = this.#pieces.flatMap(({ readers }) => readers);
    const rowsLeft = Math.max(1, this.#expectedReaders - known.length);
    const slotsLeft = this.#expectedSlots - known.reduce((n, { S }) => n + S, 0);
    const rows = block?.shape[0] ?? Math.min(maxRows, rowsLeft);
    const expectedPairs = slotsLeft * B * T * H + rowsLeft * (ALIGNMENT - 1);
    const room = Math.min(maxPairs, Math.max(pairs, expectedPairs));
    const make = (...shape: number[]): Tensor => allocateTensor(this.device, shape, dtype);
    const piece = withoutScope(() => ({
      ...{ H, rows, pairs: room, readers: [], usedPairs: 0 },
      block: block?.alias() ?? null,
      q: block?.alias() ?? make(rows, B, T, H, D),
      dOut: make(rows, B, T, H, Dv),
      weights: make(room, 2),
    }));
    this.#pieces.push(piece);
    return piece;
  }

  /**
   * Hands over the gradient of a slot from all readers so far, `[B, T, Hkv, D]` and `[B, T, Hkv, Dv]`, or null without readers.
   * Slots before it that the same readers read are gathered along, for their writers come next; what reads those only adds later.
   */
  take(slot: number): { k: Tensor; v: Tensor } | null {
    this.#taken.add(slot);
    if (!this.#gathered.has(slot) && !this.#gatherUpTo(slot)) return null;
    const own = this.#gathered.get(slot)!;
    this.#addLate(slot, own);
    this.#gathered.delete(slot);
    return own;
  }

  /** Gathers a slot and neighbours before it from all readers so far; false when there are none. */
  #gatherUpTo(slot: number): boolean {
    const readers = this.#readersOf(slot, 0);
    if (readers.length === 0) return false;
    const most = readers.length >= WORTH_READERS ? this.deferral.maxSlots : 2;
    let slots = 1;
    while (slots < most && this.#isLike(slot - slots, readers, 0)) slots++;
    const { B, T, Hkv, D, Dv, dtype } = this.shape;
    const first = slot - slots + 1;
    withoutScope(() => {
      const group = {
        k: allocateTensor(this.device, [slots, B, T, Hkv, D], dtype),
        v: allocateTensor(this.device, [slots, B, T, Hkv, Dv], dtype),
      };
      this.#gather(first, slots, 0, group);
      for (let n = 0; n < slots; n++) {
        this.#gathered.set(first + n, { k: partOf(group.k, n), v: partOf(group.v, n), readers: this.#readers });
      }
      group.k.dispose();
      group.v.dispose();
    });
    return true;
  }

  /** Whether a slot that is not gathered yet has exactly these readers, of those from `from` on. */
  #isLike(slot: number, readers: readonly LeftReader[], from: number): boolean {
    if (slot < 0 || this.#gathered.has(slot)) return false;
    return this.#isReadBy(slot, readers, from);
  }

  #isReadBy(slot: number, readers: readonly LeftReader[], from: number): boolean {
    const own = this.#readersOf(slot, from);
    return own.length === readers.length && own.every((reader, n) => reader === readers[n]);
  }

  /** Adds readers that came after a slot was gathered, to the slot before it too when that waits for the same ones. */
  #addLate(slot: number, own: GatheredSlot): void {
    const late = this.#readersOf(slot, own.readers);
    if (late.length === 0) return;
    const before = this.#gathered.get(slot - 1);
    const isPair =
      before?.k.storage === own.k.storage &&
      before.readers === own.readers &&
      this.#isReadBy(slot - 1, late, own.readers);
    if (!isPair) {
      this.#gather(slot, 1, own.readers, own);
      return;
    }
    const both = (tensor: Tensor): Tensor => {
      const shape = [2, ...tensor.shape];
      return tensor.alias(shape, contiguousStrides(shape));
    };
    const pair = { k: both(before.k), v: both(before.v) };
    this.#gather(slot - 1, 2, own.readers, pair);
    this.#gathered.set(slot - 1, { ...before, readers: this.#readers });
    pair.k.dispose();
    pair.v.dispose();
  }

  /** Whether all expected readers came and every slot they read that has a writer was taken: then nothing here is needed. */
  isDone(hasWriter: (slot: number) => boolean): boolean {
    if (this.#readers === 0 || this.#readers !== this.#expectedReaders) return false;
    return this.#pieces
      .flatMap(({ readers }) => readers)
      .every(({ first, S }) =>
        Array.from({ length: S }, (_, n) => first + n).every((slot) => this.#taken.has(slot) || !hasWriter(slot)),
      );
  }

  #readersOf(slot: number, from: number): LeftReader[] {
    return this.#pieces
      .flatMap(({ readers }) => readers)
      .filter(({ first, S, order }) => order !== null && order >= from && first <= slot && slot < first + S);
  }

  /** Sums readers `from ..` of `slots` slots into `out`: added to what is there when some are in it already. */
  #gather(first: number, slots: number, from: number, out: { k: Tensor; v: Tensor }): void {
    const { B, T, Hkv, D, Dv } = this.shape;
    let accumulate = from > 0;
    for (const { H, q, dOut, weights, readers } of this.#pieces) {
      const left = readers.filter(
        ({ order, first: start, S }) => order !== null && order >= from && start <= first && first < start + S,
      );
      if (left.length === 0) continue;
      this.deferral.gather({
        ...{ B, T, H, Hkv, D, Dv, slots, accumulate },
        readers: left.map(({ row, firstPair, scale, first: start }) => ({
          ...{ row, scale },
          firstPair: firstPair + (first - start) * B * T * H,
        })),
        ...{ q: q.view, dOut: dOut.view, weights: weights.view, dk: out.k.view, dv: out.v.view },
      });
      accumulate = true;
    }
  }

  /** Frees everything: all writers have their gradients. */
  finish(): void {
    this.#queries.drop();
    for (const { block, q, dOut, weights } of this.#pieces) {
      for (const tensor of [block, q, dOut, weights]) tensor?.dispose();
    }
    for (const { k, v } of this.#gathered.values()) for (const tensor of [k, v]) tensor.dispose();
    this.#pieces.length = 0;
    this.#gathered.clear();
    this.#taken.clear();
    this.#readers = 0;
  }
}

/** Entry `n` of the first axis. */
function partOf(whole: Tensor, n: number): Tensor {
  const shape = whole.shape.slice(1);
  return whole.alias(shape, contiguousStrides(shape), n * sizeOf(shape));
}
