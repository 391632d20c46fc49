import type { Device, DType } from '@modajs/tensor';
import { type ArrayView, webGpuKernels } from '@modajs/tensor/extend';
import { kernelsOnWebGpu } from '../kernels-on-webgpu.ts';

/** Attention that reads depth slots of one position each, as far as it decides how their gradients are made. */
export interface DepthShape {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly Hkv: number;
  readonly D: number;
  readonly Dv: number;
  readonly dtype: DType;
}

/** What one reader stored for a gather. */
export interface DepthReader {
  /** Its index on the first axis of `q` and `dOut`. */
  readonly row: number;
  /** Where its pairs of the first gathered slot start in `pairs`, counted in pairs. */
  readonly firstPair: number;
  readonly scale: number;
}

/** Gradients of neighbouring depth slots from all their readers: `dk = sum_r scale_r dS_r q_r`, `dv = sum_r p_r dOut_r`. All views contiguous, one dtype. */
export interface DepthGatherArguments extends Omit<DepthShape, 'dtype'> {
  /** At most `DepthGather.maxSlots`. */
  readonly slots: number;
  readonly readers: readonly DepthReader[];
  /** Add to dk and dv. */
  readonly accumulate: boolean;
  /** `[rows, B, T, H, D]` */
  readonly q: ArrayView;
  /** `[rows, B, T, H, Dv]` */
  readonly dOut: ArrayView;
  /** `[n, 2]`: (p, dS), of each reader `[S, B, T, H]` from where it starts. */
  readonly pairs: ArrayView;
  /** `[slots, B, T, Hkv, D]` */
  readonly dk: ArrayView;
  /** `[slots, B, T, Hkv, Dv]` */
  readonly dv: ArrayView;
}

/**
 * The gather: the kernel that makes depth gradients when a slot's writer needs them, from what its readers stored, instead of having every
 * reader add them up. It is for devices on which that traffic costs more than the sums. (It has nothing to do with gathering rows by index.)
 */
export interface DepthGather {
  /** Bytes that one array of a gather may have. */
  readonly maxBytes: number;
  /** Neighbouring slots that one gather can make. */
  readonly maxSlots: number;
  /** Whether the backward pass of attention of this shape can leave pairs (p, dS), and should. */
  prefers(shape: DepthShape): boolean;
  run(args: DepthGatherArguments): void;
}

/** The gather of a WebGPU device; null on others, whose readers add up. */
export function depthGather(device: Device): DepthGather | null {
  const kernels = webGpuKernels(device);
  return kernels && (kernelsOnWebGpu()?.createDepthGather(kernels) ?? null);
}
