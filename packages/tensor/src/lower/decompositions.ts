import type { ArrayView, Backend } from '../backends/backend.ts';
import { type KernelFamily, normKernels, normRopeKernels, ropeKernels, swigluKernels } from '../backends/families.ts';
import { contiguousStrides, sizeOf } from '../core/shape.ts';
import type { PatternName, Patterns } from './patterns.ts';

/** A pattern made of primitives: its definition, and what runs where a device has no kernel for it. */
export interface Pattern<Name extends PatternName> {
  readonly name: Name;
  /** Brings the kernel. */
  readonly kernels: Pick<KernelFamily, 'on'>;
  readonly decompose: (device: Backend, args: Patterns[Name]) => void;
}

export const addNorm: Pattern<'addNorm'> = {
  name: 'addNorm',
  kernels: normKernels,
  decompose(device, { x, y, weight, bias, eps, sum, out, mean, rstd }) {
    device.binary('add', x, y, sum);
    const norms = normKernels.on(device);
    if (mean === null) norms.rmsNorm(sum, weight, eps, out, rstd);
    else norms.layerNorm(sum, weight, bias, eps, out, mean, rstd);
  },
};

export const normRope: Pattern<'normRope'> = {
  name: 'normRope',
  kernels: normRopeKernels,
  decompose(device, { x, weight, positions, full, eps, out, rstd, rope }) {
    // The norm goes to `out`, where each pair of components is rotated in place.
    normKernels.on(device).rmsNorm(normRows(x, full), weight, eps, normRows(out, full), rstd);
    ropeKernels.on(device).rope(out, positions, out, rope);
  },
};

export const normRopeGradient: Pattern<'normRopeGradient'> = {
  name: 'normRopeGradient',
  kernels: normRopeKernels,
  decompose(device, { x, weight, positions, full, rstd, rope, dOut, dx, dWeight, accumulate }) {
    const rotatedBack = { ...dOut, storage: device.allocate(sizeOf(dOut.shape), dOut.dtype), offset: 0 };
    ropeKernels.on(device).rope(dOut, positions, rotatedBack, { ...rope, inverse: true });
    const [rows, gradient, result] = [x, rotatedBack, dx].map((view) => normRows(view, full));
    normKernels.on(device).rmsNormBackward(rows, weight, rstd, gradient, result, dWeight, { dWeight: accumulate });
    device.release(rotatedBack.storage);
  },
};

export const ropePair: Pattern<'ropePair'> = {
  name: 'ropePair',
  kernels: ropeKernels,
  decompose(device, { q, k, positions, outQ, outK, rope }) {
    ropeKernels.on(device).rope(q, positions, outQ, rope);
    ropeKernels.on(device).rope(k, positions, outK, rope);
  },
};

export const swigluGradient: Pattern<'swigluGradient'> = {
  name: 'swigluGradient',
  kernels: swigluKernels,
  decompose(device, { gate, up, dOut, dGate, dUp }) {
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
