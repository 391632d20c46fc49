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
 * Gradients of one pass's slots on their way from readers to writers. Readers leave what they are made from (`DeferredDepth`), or,
 * where the device prefers that or cannot do otherwise, add into one f32 arena in place; a slot's writer takes the sum. Held by
 * the pass, its readers and its writers: what is allocated here goes when the last of them has run or is released.
 */
export class SlotGradients extends Shared {
  readonly #deferred: DeferredDepth | null;
  readonly #hasWriter: boolean[];
  #segments: Segment[] | null = null;

  constructor(private readonly layout: SlotLayout) {
    super();
    const { device, slots, B, T, Hkv, D, Dv, dtype, readers } = layout;
    const { depthDeferral } = device.backend;
    this.#deferred = depthDeferral && new DeferredDepth(device, depthDeferral, { B, T, Hkv, D, Dv, dtype }, readers);
    this.#hasWriter = new Array<boolean>(slots).fill(false);
  }

  /** A node will take the slot's gradient. */
  expectWriter(slot: number): void {
    this.#hasWriter[slot] = true;
  }

  /** A reader of `S` slots will run backward. */
  expectReader(S: number): void {
    this.#deferred?.expect(S);
  }

  /** Memory for the next reader's queries, as `DepthArena.queryMemory`. */
  queryMemory(H: number): Tensor | null {
    return this.#deferred?.queryMemory(H) ?? null;
  }

  /** Where a reader of slots `first .. first + S - 1` leaves their gradients. */
  of(first: number, S: number): DepthGradients {
    return {
      segments: () => skipSlots(segmentViews(this.#added()), first),
      reserve: (reader) => this.#deferred?.reserve({ ...reader, first, S }) ?? null,
      defer: (reader, place) => this.#deferred?.leave({ ...reader, first, S }, place) ?? null,
    };
  }

  /** Adds to a slot's gradients. Consumes the handles. */
  add(slot: number, parts: readonly (Tensor | null)[]): void {
    const sums = slotOf(this.#added(), slot, this.layout);
    for (const [n, sum] of [sums.k, sums.v].entries()) {
      const part = parts[n];
      if (part) this.layout.device.backend.binary('add', sum.view, part.view, sum.view);
      part?.dispose();
      sum.dispose();
    }
  }

  /** Gradients of a slot's keys and values from all its readers; null where it has none. */
  take(slot: number, dtype: DType): (Tensor | null)[] {
    const { device } = this.layout;
    const deferred = this.#deferred?.take(slot) ?? null;
    if (this.#deferred?.isDone((at) => this.#hasWriter[at])) this.#deferred.finish();
    const added = this.#segments && slotOf(this.#segments, slot, this.layout);
    return (['k', 'v'] as const).map((part) => {
      const later = deferred && (deferred[part].dtype === dtype ? deferred[part] : this.#copyOf(deferred[part], dtype));
      const sum = added && this.#copyOf(added[part], dtype);
      if (later === null || sum === null) return later ?? sum;
      device.backend.binary('add', sum.view, later.view, sum.view);
      later.dispose();
      return sum;
    });
  }

  #added(): Segment[] {
    if (this.#segments === null) {
      this.#segments = withoutScope(() => openSegments(this.layout, 'f32'));
      for (const { k, v } of this.#segments) {
        for (const tensor of [k, v]) this.layout.device.backend.fill(tensor.view, 0);
      }
    }
    return this.#segments;
  }

  /** Consumes the handle. */
  #copyOf(gradient: Tensor, dtype: DType): Tensor {
    const copy = allocateTensor(this.layout.device, gradient.shape, dtype);
    this.layout.device.backend.copy(gradient.view, copy.view);
    gradient.dispose();
    return copy;
  }

  protected free(): void {
    this.#deferred?.finish();
    if (this.#segments) disposeSegments(this.#segments);
    this.#segments = null;
  }
}
