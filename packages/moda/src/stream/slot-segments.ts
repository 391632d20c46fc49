import { type CreationOptions, type Device, type DType, empty, type Shape, type Tensor } from '@modajs/tensor';
import { contiguousStrides, type DepthSegment, sizeOf } from '@modajs/tensor/extend';

/** Shape, dtype and number of the slots of every forward pass of one arena, and how they are divided into allocations. */
export interface SlotLayout {
  readonly device: Device;
  readonly dtype: DType;
  readonly slots: number;
  readonly B: number;
  readonly T: number;
  readonly Hkv: number;
  readonly D: number;
  readonly Dv: number;
  /** Slots of one allocation. */
  readonly perSegment: number;
  /** Readers of a pass; 0 when that is not known. */
  readonly readers: number;
}

/** Neighbouring slots in two allocations, keys `[slots, B, T, Hkv, D]` and values `[slots, B, T, Hkv, Dv]`. */
export interface Segment {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly slots: number;
}

export function slotShapes({ B, T, Hkv, D, Dv }: SlotLayout): { k: number[]; v: number[] } {
  return { k: [B, T, Hkv, D], v: [B, T, Hkv, Dv] };
}

type Make = (shape: Shape, options: CreationOptions) => Tensor;

/** Memory for all slots, as `make` makes it; contents undefined by default. @throws OutOfMemoryError | DTypeError */
export function openSegments(layout: SlotLayout, dtype: DType, make: Make = empty): Segment[] {
  const { device, perSegment } = layout;
  const { k, v } = slotShapes(layout);
  const segments: Segment[] = [];
  for (let left = layout.slots; left > 0; left -= perSegment) {
    const slots = Math.min(left, perSegment);
    const options = { dtype, device };
    segments.push({ slots, k: make([slots, ...k], options), v: make([slots, ...v], options) });
  }
  return segments;
}

export function segmentViews(segments: readonly Segment[]): DepthSegment[] {
  return segments.map(({ k, v }) => ({ k: k.view, v: v.view }));
}

/** Handles on the memory of one slot. */
export function slotOf(segments: readonly Segment[], slot: number, layout: SlotLayout): { k: Tensor; v: Tensor } {
  let index = slot;
  const segment = segments.find((candidate) => {
    if (index < candidate.slots) return true;
    index -= candidate.slots;
    return false;
  })!;
  const part = (tensor: Tensor, shape: readonly number[]): Tensor =>
    tensor.alias(shape, contiguousStrides(shape), index * sizeOf(shape));
  const shapes = slotShapes(layout);
  return { k: part(segment.k, shapes.k), v: part(segment.v, shapes.v) };
}

export function disposeSegments(segments: readonly Segment[]): void {
  for (const { k, v } of segments) {
    k.dispose();
    v.dispose();
  }
}
