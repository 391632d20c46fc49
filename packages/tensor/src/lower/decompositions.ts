import type { ArrayView } from '../backends/backend.ts';
import { contiguousStrides, sizeOf } from '../core/shape.ts';
import type { PatternName, Patterns, Primitives } from './patterns.ts';

type Decompositions = { readonly [Name in PatternName]: (device: Primitives, args: Patterns[Name]) => void };

/** Every pattern, made of primitives: its definition, and what runs where a device has no kernel for it. */
export const decompositions: Decompositions = {
  addNorm(device, { x, y, weight, bias, eps, sum, out, mean, rstd }) {
    device.binary('add', x, y, sum);
    if (mean === null) device.rmsNorm(sum, weight, eps, out, rstd);
    else device.layerNorm(sum, weight, bias, eps, out, mean, rstd);
  },

  normRope(device, { x, weight, positions, full, eps, out, rstd, rope }) {
    // The norm goes to `out`, where each pair of components is rotated in place.
    device.rmsNorm(normRows(x, full), weight, eps, normRows(out, full), rstd);
    device.rope(out, positions, out, rope);
  },

  normRopeGradient(device, { x, weight, positions, full, rstd, rope, dOut, dx, dWeight, accumulate }) {
    const rotatedBack = { ...dOut, storage: device.allocate(sizeOf(dOut.shape), dOut.dtype), offset: 0 };
    device.rope(dOut, positions, rotatedBack, { ...rope, inverse: true });
    const [rows, gradient, result] = [x, rotatedBack, dx].map((view) => normRows(view, full));
    device.rmsNormBackward(rows, weight, rstd, gradient, result, dWeight, { dWeight: accumulate });
    device.release(rotatedBack.storage);
  },

  ropePair(device, { q, k, positions, outQ, outK, rope }) {
    device.rope(q, positions, outQ, rope);
    device.rope(k, positions, outK, rope);
  },

  swigluGradient(device, { gate, up, dOut, dGate, dUp }) {
    device.ternary('swigluGradGate', gate, up, dOut, dGate);
    device.binary('swiglu', gate, dOut, dUp);
  },
};

/** `[B, T, H, D]` as the rows of its norm: `[B*T, H*D]` over all heads (`full`), else `[B*T*H, D]`. */
function normRows(x: ArrayView, full: boolean): ArrayView {
  const [B, T, H, D] = x.shape;
  const shape = full ? [B * T, H * D] : [B * T * H, D];
  return { ...x, shape, strides: contiguousStrides(shape) };
}
