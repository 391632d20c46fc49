import { add, assign, type DType, type Tensor, tidy, withoutScope, zeros } from '@modajs/tensor';
import { allocateTensor, type DepthGradients, Shared } from '@modajs/tensor/extend';
import { DeferredGradients } from './deferred-gradients.ts';
import { depthGather } from './depth-gather.ts';
import { skipSlots } from './skip-slots.ts';
import { disposeSegments, openSegments, type Segment, type SlotLayout, segmentViews, slotOf } from './slot-segments.ts';

/**
 * Gradients of the slots of one forward pass, on their way from readers (attention nodes) to writers (nodes of `DepthPass.write`). A reader
 * stores what they are computed from (q, dOut and the pairs (p, dS): `DeferredGradients`). On devices without a gather (cpu, reference), and
 * for shapes that it does not take, a reader adds to f32 sums instead. Both can meet in one slot: its writer takes the total. Held by the
 * pass, its readers and its writers. What readers stored is freed when the last writer has its gradient, all else when the last holder
 * has run or is released.
 */
export class SlotGradients extends Shared {
  readonly #deferred: DeferredGradients | null;
  readonly #hasWriter: boolean[];
  /** f32 sums of the readers that add up; null until the first of them. */
  #sums: Segment[] | null = null;

  constructor(private readonly layout: SlotLayout) {
    super();
    const { device, slots, B, T, Hkv, D, Dv, dtype, readers } = layout;
    const gather = depthGather(device);
    this.#deferred = gather && new DeferredGradients(device, gather, { B, T, Hkv, D, Dv, dtype }, readers);
    this.#hasWriter = new Array<boolean>(slots).fill(false);
  }

  /** A node will take the slot's gradient. */
  registerWriter(slot: number): void {
    this.#hasWriter[slot] = true;
  }

  /** A reader of `S` slots will run backward. */
  countReader(S: number): void {
    this.#deferred?.countReader(S);
  }

  /** Memory for the next reader's queries, as `DepthArena.queryDestination`. */
  queryDestination(H: number): Tensor | null {
    return this.#deferred?.queryDestination(H) ?? null;
  }

  /** Where the gradients of slots `first .. first + S - 1` go from one reader. */
  of(first: number, S: number): DepthGradients {
    return {
      segments: () => skipSlots(segmentViews(this.#accumulators()), first),
      reserve: (reader) => this.#deferred?.reserve({ ...reader, first, S }) ?? null,
      store: (reader, reservation) => this.#deferred?.store({ ...reader, first, S }, reservation) ?? null,
    };
  }

  /**
   * Adds the gradients of a slot's copy in a later pass: keys and values, null for none. They meet the readers' sums, so that the
   * slot's writer takes all. Consumes the handles.
   */
  add(slot: number, parts: readonly (Tensor | null)[]): void {
    const sums = slotOf(this.#accumulators(), slot, this.layout);
    for (const [n, sum] of [sums.k, sums.v].entries()) {
      const part = parts[n];
      if (part) tidy(() => assign(sum, add(sum, part)));
      part?.dispose();
      sum.dispose();
    }
  }

  /**
   * For a slot's writer: the gradients of its keys and values in `dtype`, that of the k and v it wrote, from all readers that deferred them
   * and all that added them up; null where no reader has run.
   */
  takeGradient(slot: number, dtype: DType): (Tensor | null)[] {
    const gathered = this.#deferred?.takeGradient(slot) ?? null;
    if (this.#deferred?.isDone((at) => this.#hasWriter[at])) this.#deferred.free();
    const sums = this.#sums && slotOf(this.#sums, slot, this.layout);
    return (['k', 'v'] as const).map((part) => {
      const deferred =
        gathered && (gathered[part].dtype === dtype ? gathered[part] : this.#copyOf(gathered[part], dtype));
      const added = sums && this.#copyOf(sums[part], dtype);
      if (deferred === null || added === null) return deferred ?? added;
      const total = add(added, deferred);
      added.dispose();
      deferred.dispose();
      return total;
    });
  }

  /** The f32 sums, zeros at first. */
  #accumulators(): Segment[] {
    this.#sums ??= withoutScope(() => openSegments(this.layout, 'f32', zeros));
    return this.#sums;
  }

  /** Consumes the handle. */
  #copyOf(gradient: Tensor, dtype: DType): Tensor {
    const copy = allocateTensor(this.layout.device, gradient.shape, dtype);
    assign(copy, gradient);
    gradient.dispose();
    return copy;
  }

  protected free(): void {
    this.#deferred?.free();
    if (this.#sums) disposeSegments(this.#sums);
    this.#sums = null;
  }
}
