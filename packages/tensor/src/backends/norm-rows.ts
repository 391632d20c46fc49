import { contiguousStrides } from '../core/shape.ts';
import type { ArrayView } from './backend.ts';

/** Queries or keys `[B, T, H, D]` as the rows of their norm: `[B*T, H*D]` over all heads (`full`), else `[B*T*H, D]`. */
export function normRows(full: boolean): (x: ArrayView) => ArrayView {
  return (x) => {
    const [B, T, H, D] = x.shape;
    const shape = full ? [B * T, H * D] : [B * T * H, D];
    return { ...x, shape, strides: contiguousStrides(shape) };
  };
}
