import type { DType } from '../core/dtype.ts';
import { withoutScope } from '../core/scope.ts';
import { Shared } from '../core/shared.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import type { DepthGradients } from './attention.ts';
import { DeferredDepth } from './deferred-depth.ts';
import {
  disposeSegments,
  openSegments,
  type Segment,
  type SlotLayout,
  segmentViews,
  slotOf,
} from './depth-segments.ts';
import { skipSlots } from './skip-slots.ts';

/**
 * Gradients of the slots of one forward pass, on their way from readers to writers. A reader stores what they are computed from
 * (q, dOut and the pairs (p, dS): `DeferredDepth`); where the device prefers that, or the shape is not supported, it adds to f32
 * accumulators instead. Both can meet in one slot: its writer takes the sum. Held by the pass, its readers and its writers; what
 * is allocated here is freed when the last of them has run or is released.
 */
export class SlotGradients extends Shared {
  readonly #deferred: DeferredDepth | null;
  readonly #hasWriter: boolean[];
  /** f32 sums of the readers that add up; null until the first of them. */
  #sums: Segment[] | null = null;

  constructor(private readonly layout: SlotLayout) {
    super();
    const { device, slots, B, T, Hkv, D, Dv, dtype, readers } = layout;
    const { depthDeferral } = device.backend;
    this.#deferred = depthDeferral && new DeferredDepth(device, depthDeferral, { B, T, Hkv, D, Dv, dtype }, readers);
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

  /** Memory for the next reader's queries, as `DepthArena.queryMemory`. */
  queryMemory(H: number): Tensor | null {
    return this.#deferred?.queryMemory(H) ?? null;
  }

  /** Where the gradients of slots `first .. first + S - 1` go from one reader. */
  of(first: number, S: number): DepthGradients {
    return {
      segments: () => skipSlots(segmentViews(this.#accumulators()), first),
      reserve: (reader) => this.#deferred?.reserve({ ...reader, first, S }) ?? null,
      store: (reader, reservation) => this.#deferred?.store({ ...reader, first, S }, reservation) ?? null,
    };
  }

  /** Adds to a slot's gradients. Consumes the handles. */
  add(slot: number, parts: readonly (Tensor | null)[]): void {
    const sums = slotOf(this.#accumulators(), slot, this.layout);
    for (const [n, sum] of [sums.k, sums.v].entries()) {
      const part = parts[n];
      if (part) this.layout.device.backend.binary('add', sum.view, part.view, sum.view);
      part?.dispose();
      sum.dispose();
    }
  }

  /** Gradients of a slot's keys and values from all its readers; null where it has none. */
  takeGradient(slot: number, dtype: DType): (Tensor | null)[] {
    const { device } = this.layout;
    const gathered = this.#deferred?.takeGradient(slot) ?? null;
    if (this.#deferred?.isDone((at) => this.#hasWriter[at])) this.#deferred.free();
    const sums = this.#sums && slotOf(this.#sums, slot, this.layout);
    return (['k', 'v'] as const).map((part) => {
      const once = gathered && (gathered[part].dtype === dtype ? gathered[part] : this.#copyOf(gathered[part], dtype));
      const sum = sums && this.#copyOf(sums[part], dtype);
      if (once === null || sum === null) return once ?? sum;
      device.backend.binary('add', sum.view, once.view, sum.view);
      once.dispose();
      return sum;
    });
  }

  /** The f32 sums, zeros at first. */
  #accumulators(): Segment[] {
    if (this.#sums === null) {
      this.#sums = withoutScope(() => openSegments(this.layout, 'f32'));
      for (const { k, v } of this.#sums) {
        for (const tensor of [k, v]) this.layout.device.backend.fill(tensor.view, 0);
      }
    }
    return this.#sums;
  }

  /** Consumes the handle. */
  #copyOf(gradient: Tensor, dtype: DType): Tensor {
    const copy = allocateTensor(this.layout.device, gradient.shape, dtype);
    this.layout.device.backend.copy(gradient.view, copy.view);
    gradient.dispose();
    return copy;
  }

  protected free(): void {
    this.#deferred?.free();
    if (this.#sums) disposeSegments(this.#sums);
    this.#sums = null;
  }
}
