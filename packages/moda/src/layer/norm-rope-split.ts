import { contiguous, reshape, rmsNormRope, rope, split, type Tensor, tidy, zeros } from '@modajs/tensor';
import { integersOnly, sameDType, shapeIs } from '@modajs/tensor/checks';
import { allocateTensor, record, resultMemory, webGpuKernels } from '@modajs/tensor/extend';
import { kernelsOnWebGpu } from '../kernels-on-webgpu.ts';
import type { NormRopeSplitKernels } from './norm-rope-split-kernels.ts';

export interface NormRopeSplitOptions {
  /** RMS norm of the keys before they are rotated; null for none. `weight` as for `rmsNormRope`. */
  readonly norm: { readonly weight: Tensor | null; readonly eps?: number; readonly full?: boolean } | null;
  /** Base of the frequencies; 10000 by default. */
  readonly theta?: number;
  /** Radians a position of each pair, D / 2 numbers. Powers of theta by default. */
  readonly frequencies?: readonly number[] | null;
  /** Pairs (2i, 2i+1) instead of (i, i + D/2). */
  readonly interleaved?: boolean;
  /** Memory for the results: a depth slot. New by default. */
  readonly into?: { readonly k: Tensor; readonly v: Tensor } | null;
}

/** Keys and values `[B, T, Hkv, D]`. */
export interface KeysAndValues {
  readonly k: Tensor;
  readonly v: Tensor;
}

/**
 * Keys and values from one projection of both: `k = rope(rmsNorm(packed[:, :, 0]), positions)`, `v = packed[:, :, 1]`. On WebGPU one
 * pass each way; elsewhere made of smaller operators, and `v` may be a view.
 *
 * @param packed `[B, T, 2, Hkv, D]`, keys first
 * @param positions i32 or u32 `[B, T]`
 * @throws ShapeError | DTypeError
 */
export function normRopeSplit(packed: Tensor, positions: Tensor, options: NormRopeSplitOptions): KeysAndValues {
  return tidy(() => {
    const { norm, into = null } = options;
    const [B, T, , Hkv, D] = packed.shape;
    integersOnly('normRopeSplit', 'positions', positions);
    shapeIs('normRopeSplit', 'positions', positions.shape, [B, T], '[B, T]');
    sameDType('normRopeSplit', packed, norm?.weight);
    if (norm?.weight) shapeIs('normRopeSplit', 'weight', norm.weight.shape, [norm.full ? Hkv * D : D]);
    const device = webGpuKernels(packed.device);
    const kernels = device && kernelsOnWebGpu()?.normRopeSplitKernels(device);
    // One dispatch must not write two bindings of one buffer.
    const isOneStorage = into !== null && into.k.storage === into.v.storage;
    if (!kernels || isOneStorage) return decomposed(packed, positions, options);
    return inOnePass(kernels, contiguous(packed), contiguous(positions), options);
  });
}

/** The same of smaller operators. */
function decomposed(packed: Tensor, positions: Tensor, options: NormRopeSplitOptions): KeysAndValues {
  const { norm, theta, frequencies, interleaved, into = null } = options;
  const [B, T, , Hkv, D] = packed.shape;
  const [first, second] = split(packed, [1, 1], 2);
  const keys = reshape(first, [B, T, Hkv, D]);
  const rotation = { theta, frequencies, interleaved, into: into?.k };
  const k = norm
    ? rmsNormRope(keys, norm.weight, positions, { ...rotation, eps: norm.eps, full: norm.full })
    : rope(keys, positions, rotation);
  return { k, v: reshape(second, [B, T, Hkv, D]) };
}

function inOnePass(
  kernels: NormRopeSplitKernels,
  packed: Tensor,
  positions: Tensor,
  { norm, theta = 10000, frequencies, interleaved = false, into = null }: NormRopeSplitOptions,
): KeysAndValues {
  const { device, dtype, shape: packedShape } = packed;
  const [B, T, , Hkv, D] = packedShape;
  const shape = [B, T, Hkv, D];
  const k = resultMemory('normRopeSplit', device, shape, dtype, into?.k);
  const v = resultMemory('normRopeSplit', device, shape, dtype, into?.v);
  const full = norm?.full ?? false;
  const rstd = norm && allocateTensor(device, [full ? B * T : B * T * Hkv], 'f32');
  const weight = norm?.weight ? contiguous(norm.weight) : null;
  const form = {
    scope: norm === null ? 'none' : full ? 'full' : 'head',
    eps: norm?.eps ?? 1e-6,
    theta,
    frequencies: frequencies ?? undefined,
    isInterleaved: interleaved,
  } as const;
  kernels.forward(form, { packed, weight, positions, rstd, k, v });
  record(
    [k, v],
    [packed, norm?.weight ?? null],
    [positions, ...(rstd ? [packed, rstd] : []), ...(weight ? [weight] : [])],
    ([dk, dv], [sPositions, sPacked = null, sRstd = null, sWeight = null], _needs, destination) => {
      const dense = (gradient: Tensor | null): Tensor =>
        gradient ? contiguous(gradient) : zeros(shape, { dtype, device });
      const dPacked = allocateTensor(device, packedShape, dtype);
      const sum = sWeight && destination(1, sWeight, true);
      kernels.backward(
        form,
        {
          packed: sPacked,
          weight: sWeight,
          positions: sPositions,
          rstd: sRstd,
          dk: dense(dk),
          dv: dense(dv),
          dPacked,
          dWeight: sum?.tensor ?? null,
        },
        sum?.accumulate ?? false,
      );
      return [dPacked, sum?.tensor ?? null];
    },
  );
  return { k, v };
}
