import type { ArrayView, DepthSegment } from '@modajs/tensor/extend';

/** The segments without their first `skip` slots; those that hold no other are left out. */
export function skipSlots(segments: readonly DepthSegment[], skip: number): DepthSegment[] {
  const kept: DepthSegment[] = [];
  let left = skip;
  for (const { k, v } of segments) {
    const slots = k.shape[0];
    if (left >= slots) {
      left -= slots;
      continue;
    }
    kept.push({ k: from(k, left), v: from(v, left) });
    left = 0;
  }
  return kept;
}

function from(view: ArrayView, slot: number): ArrayView {
  return {
    ...view,
    shape: [view.shape[0] - slot, ...view.shape.slice(1)],
    offset: view.offset + slot * view.strides[0],
  };
}
