/** What a kernel must know of an element type. */
interface DTypeEntry {
  /** Of one element in device memory. */
  readonly bytes: number;
  /** Elements of 16 bytes, what a kernel reads at a time. */
  readonly perVector: 4 | 8;
  readonly isFloat: boolean;
  /** The same bits on the host. */
  readonly StoredArray: typeof Float32Array | typeof Uint16Array | typeof Int32Array | typeof Uint32Array;
}

/** Every element type of tensors in kernels, by the name that WGSL has for it. Accumulation is always f32. */
export const DTYPES = {
  f32: { bytes: 4, perVector: 4, isFloat: true, StoredArray: Float32Array },
  f16: { bytes: 2, perVector: 8, isFloat: true, StoredArray: Uint16Array },
  i32: { bytes: 4, perVector: 4, isFloat: false, StoredArray: Int32Array },
  u32: { bytes: 4, perVector: 4, isFloat: false, StoredArray: Uint32Array },
} as const satisfies Record<string, DTypeEntry>;

export type KernelDType = keyof typeof DTYPES;

/** Bytes of one element in device memory. */
export function elementBytes(dtype: KernelDType): number {
  return DTYPES[dtype].bytes;
}

/** Elements of 16 bytes. */
export function elementsPerVector(dtype: KernelDType): 4 | 8 {
  return DTYPES[dtype].perVector;
}
