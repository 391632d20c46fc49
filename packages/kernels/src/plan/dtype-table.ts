import { fromBfloat16, fromHalf, toBfloat16, toHalf } from './half.ts';

/** A class of typed arrays, whatever their numbers are. */
interface ArrayClass<A> {
  new (buffer: ArrayBufferLike, offset?: number, length?: number): A;
  new (values: ArrayLike<number>): A;
  new (length: number): A;
  from(values: ArrayLike<number>, map?: (value: number) => number): A;
}

/** All that code asks of an element type. Who needs another property adds it here, for every type at once. */
interface DTypeEntry {
  /** Of one element in device memory. */
  readonly bytes: number;
  /** Elements of 16 bytes, what a kernel reads at a time. */
  readonly perVector: 4 | 8;
  readonly isFloat: boolean;
  /** What a number becomes when a kernel has loaded it; sums are made in this type. */
  readonly computed: 'f32' | 'i32' | 'u32';
  /** The type's name in WGSL; null: no shader can hold it, and WebGPU devices refuse it. */
  readonly wgsl: 'f32' | 'f16' | 'i32' | 'u32' | null;
  /** WGSL extension that the type needs, which is also a field of `DeviceCapabilities`. */
  readonly extension: 'f16' | null;
  /** Whether `unpack2x16float` reads two elements from a u32. */
  readonly isHalf: boolean;
  /** The same bits on the host. */
  readonly StoredArray: ArrayClass<Float32Array | Uint16Array | Int32Array | Uint32Array>;
  /** Numbers of this type on the host. */
  readonly HostArray: ArrayClass<Float32Array | Int32Array | Uint32Array>;
  /** A number to its bits and back, where they are not a JavaScript number's own. Rounds to nearest even. */
  readonly encode: ((value: number) => number) | null;
  readonly decode: ((bits: number) => number) | null;
}

const word = { bytes: 4, perVector: 4, extension: null, isHalf: false, encode: null, decode: null } as const;

/** Every element type of tensors. Accumulation is always in `computed`. */
export const DTYPES = {
  f32: { ...word, isFloat: true, computed: 'f32', wgsl: 'f32', StoredArray: Float32Array, HostArray: Float32Array },
  f16: {
    bytes: 2,
    perVector: 8,
    isFloat: true,
    computed: 'f32',
    wgsl: 'f16',
    extension: 'f16',
    isHalf: true,
    StoredArray: Uint16Array,
    HostArray: Float32Array,
    encode: toHalf,
    decode: fromHalf,
  },
  bf16: {
    bytes: 2,
    perVector: 8,
    isFloat: true,
    computed: 'f32',
    wgsl: null,
    extension: null,
    isHalf: false,
    StoredArray: Uint16Array,
    HostArray: Float32Array,
    encode: toBfloat16,
    decode: fromBfloat16,
  },
  i32: { ...word, isFloat: false, computed: 'i32', wgsl: 'i32', StoredArray: Int32Array, HostArray: Int32Array },
  u32: { ...word, isFloat: false, computed: 'u32', wgsl: 'u32', StoredArray: Uint32Array, HostArray: Uint32Array },
} as const satisfies Record<string, DTypeEntry>;

/** Every dtype of a tensor; plans refuse those that the device's shaders cannot store (`requireDTypes`). */
export type KernelDType = keyof typeof DTYPES;

/** The floats that a shader can store. */
export type FloatDType = {
  [D in KernelDType]: (typeof DTYPES)[D] extends { readonly isFloat: true; readonly wgsl: string } ? D : never;
}[KernelDType];

/** The entry of a dtype, without its literal types. */
export function dtypeEntry(dtype: KernelDType): DTypeEntry {
  return DTYPES[dtype];
}

/** Bytes of one element in device memory. */
export function elementBytes(dtype: KernelDType): number {
  return DTYPES[dtype].bytes;
}

/** Elements of 16 bytes. */
export function elementsPerVector(dtype: KernelDType): 4 | 8 {
  return DTYPES[dtype].perVector;
}
