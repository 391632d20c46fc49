import type { AdamWStep } from '@modajs/cpu';
import type { BlockFormat } from '@modajs/kernels';
import type { DType, HostArray } from '../core/dtype.ts';
import type { FusedKernels } from '../lower/patterns.ts';
import type { AttentionArguments, AttentionBackwardArguments } from './attention-arguments.ts';
import type { CustomKernelCall } from './custom-kernel-call.ts';
import type { BinaryOp, TernaryOp, UnaryOp } from './elementwise-ops.ts';

/** Device memory, owned by its backend. Opaque to everyone else. */
export interface DeviceStorage {
  /** Elements, not bytes: the reference device keeps f32 as f64. */
  readonly length: number;
  readonly dtype: DType;
}

/** A strided window on device memory. Strides and offset count elements; a stride of 0 broadcasts. */
export interface ArrayView {
  readonly storage: DeviceStorage;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

export interface MemoryStats {
  /** Bytes in tensors that are alive. */
  readonly liveBytes: number;
  /** Bytes held for reuse. */
  readonly pooledBytes: number;
  /** Device allocations since the start: constant in a steady training loop. */
  readonly allocations: number;
  readonly peakLiveBytes: number;
}

/** A part of an f32 or u32 storage, as long as the host memory that it goes to. */
export interface DownloadPart {
  readonly storage: DeviceStorage;
  /** First element. */
  readonly offset: number;
  /** `Uint32Array` for u32. */
  readonly into: Float32Array | Float64Array | Uint32Array;
}

/** Commands that `Backend.capture` remembered. */
export interface CapturedCommands {
  readonly length: number;
  /**
   * Records all commands again, on the same memory. False, and nothing is recorded, when memory that they used in between now
   * belongs to somebody: capture anew.
   *
   * @param between called before the command of that number (`length`: after the last); may read back what earlier ones wrote
   */
  replay(between?: ReadonlyMap<number, () => void>): boolean;
}

/** One AdamW step over many parameters. */
export type AdamWArguments = AdamWStep<ArrayView>;

/** A matrix `[O, I]` in blocks (`blockFormats` of `@modajs/kernels`); codes and scales are u32 words, contiguous. */
export interface QuantizedView {
  readonly format: BlockFormat;
  readonly shape: readonly [O: number, I: number];
  readonly codes: ArrayView;
  readonly scales: ArrayView;
}

export interface MatmulOptions {
  /** `out += alpha * a . b` instead of `out = alpha * a . b`. */
  readonly accumulate?: boolean;
  readonly alpha?: number;
  /** `[N]`, added to each row. */
  readonly bias?: ArrayView;
}

/** Which gradients of a norm are added to what is there; the others are overwritten. */
export interface AddedGradients {
  readonly dx?: boolean;
  readonly dWeight?: boolean;
  readonly dBias?: boolean;
}

export interface RopeOptions {
  readonly theta: number;
  /** Radians a position of each pair, in place of the powers of theta. */
  readonly frequencies?: readonly number[];
  /** First `rotaryDim` components of D are rotated (even number <= D). */
  readonly rotaryDim: number;
  /** Pairs `(2i, 2i+1)` when true (Llama 2 files), `(i, i + rotaryDim/2)` when false (Hugging Face). */
  readonly interleaved: boolean;
  /** Rotate by the negative angle: the gradient. */
  readonly inverse: boolean;
}

/**
 * What a device can do. Every primitive writes into `out`, which the caller allocated; `out` is contiguous unless said
 * otherwise, other views reach a kernel contiguous unless the primitive says "strided" (`acceptStridedViews` copies the others
 * first). Shapes are already checked.
 * Floating-point arguments of one call share a dtype (f32 or f16) unless said; statistics (`rstd`, `lse`, ...) are f32.
 * Accumulation is f32, results do not depend on timing or thread count, and nothing here waits for the device.
 * What only some operators need is in `FamilyPrimitives`.
 */
export interface Backend {
  readonly kind: 'cpu' | 'webgpu' | 'reference';
  /** One line for people: `lavapipe (LLVM 19.1.7, 256 bits)`. */
  readonly description: string;
  /** Whether tensors of a dtype can be made here. */
  supports(dtype: DType): boolean;
  /** Bytes that the temporary of an operator working in chunks should stay below. */
  readonly chunkBytes: number;
  /** Elements of the storages that small tensors are packed into: what one kernel can bind, in any dtype. */
  readonly packLength: number;
  /** Large matrix products are fast when rows come in multiples of this many elements. */
  readonly rowAlignment: number;
  /** Its kernels for runs of primitives; `lower` runs those that are missing as their decompositions. */
  readonly fused: FusedKernels;
  /** Whether commands can be captured and replayed: not where a primitive has computed its result when it returns. */
  readonly canReplay: boolean;

  /** Contents are undefined. @throws OutOfMemoryError with bytes asked, bytes live and the limit. */
  allocate(length: number, dtype: DType): DeviceStorage;
  /** Gives memory back to the pool. Work already recorded on it still happens first. */
  release(storage: DeviceStorage): void;
  /** Host to device, contiguous from `offset`. `f16` storages take `Float32Array`. */
  upload(storage: DeviceStorage, offset: number, data: HostArray): void;
  /** Device to host after all recorded work; contiguous part. Float32Array for floats (Float64Array on `reference`), Int32Array, Uint32Array. */
  download(storage: DeviceStorage, offset: number, length: number): Promise<HostArray>;
  /** Several contiguous parts of f32 or u32 storages to the host in one go. */
  downloadAll(parts: readonly DownloadPart[]): Promise<void>;
  /**
   * The values of a contiguous part without waiting, types as in `download`, where the device computes in the host's memory:
   * a copy or a live view, valid until the next allocation. Null on devices with memory of their own.
   */
  hostValues(storage: DeviceStorage, offset: number, length: number): HostArray | null;
  /** Submits what is recorded and waits for it. @throws DeviceError | KernelError for failures since the last call. */
  synchronize(): Promise<void>;
  /** Hint that a step ended: submit, trim pools. Does not wait. */
  endStep(): void;
  memory(): MemoryStats;
  destroy(): void;

  /**
   * Runs `body` and remembers the commands it recorded, so that they can be repeated without it: what depends on the step must
   * lie in memory that is written between replays.
   *
   * @param body gets a function that tells how many commands there are so far
   * @throws DeviceError unless `canReplay`
   */
  capture(body: (position: () => number) => void): CapturedCommands;

  /** out = value everywhere. */
  fill(out: ArrayView, value: number): void;
  /** Strided to strided copy with dtype conversion (f32<->f16 round to nearest even; float to int truncates). Same shape. `out` may be strided (no zero strides, no overlap). */
  copy(x: ArrayView, out: ArrayView): void;
  /** Strided inputs already broadcast to out.shape. `alpha`, `beta` are parameters of some operators. `out` may be one of the inputs when it has the same strides. */
  unary(op: UnaryOp, x: ArrayView, out: ArrayView, alpha?: number, beta?: number): void;
  /** As `unary`; for comparisons, out is the input dtype holding 0 or 1. */
  binary(op: BinaryOp, a: ArrayView, b: ArrayView, out: ArrayView): void;
  ternary(op: TernaryOp, a: ArrayView, b: ArrayView, c: ArrayView, out: ArrayView): void;
  /** Reduces the `axes` of strided x; out.shape equals x.shape with those axes 1. Empty sums are 0. f32 accumulation, fixed order. `out` may be f32 for x in f16; `accumulate` adds a sum to it. */
  reduce(
    op: 'sum' | 'max' | 'min' | 'sumSquares',
    x: ArrayView,
    axes: readonly number[],
    out: ArrayView,
    accumulate?: boolean,
  ): void;
  /** a [..., M, K] . b [..., K, N] -> out [..., M, N]; a and b strided in any way (transposes are strides), batch dimensions equal (0 strides broadcast). a, b same dtype; out f32 or f16. K = 0 gives 0. */
  matmul(a: ArrayView, b: ArrayView, out: ArrayView, options?: MatmulOptions): void;
  /** Counter-based random numbers (Philox 4x32-10, `core/philox.ts`): element i uses counter `offset + i`. Same bits on every device for `uniform`. */
  random(kind: 'uniform' | 'normal', seed: number, offset: number, out: ArrayView): void;
  /** out = x * (uniform(seed, offset + i) >= p) / (1 - p). Its own gradient. */
  dropout(x: ArrayView, p: number, seed: number, offset: number, out: ArrayView): void;

  /** A kernel of the user's. @throws KernelError for more bindings or workgroups than the device has */
  custom(call: CustomKernelCall): void;
}

/**
 * Primitives whose kernels come with the operators that use them (`families.ts`): operators ask a family for them, and a page
 * without such an operator has none of its kernels.
 */
export interface FamilyPrimitives {
  /** Index (i32) of the first maximum along the last axis, a NaN counting as the largest: x [..., N] -> out [...]. */
  argmax(x: ArrayView, out: ArrayView): void;
  /** Indices (i32) in the order of the last axis, equal elements in theirs, a NaN as the largest: x [..., N] -> out [..., N]. */
  argsort(x: ArrayView, out: ArrayView, isDescending: boolean): void;

  /** x [M, I] . W^T -> out [M, O] for a quantized W, M at most `QUANTIZED_ROWS`; f32 accumulation. */
  quantizedProduct(x: ArrayView, matrix: QuantizedView, out: ArrayView): void;
  /** The numbers of a quantized W -> out [O, I], f32 or f16. */
  dequantize(matrix: QuantizedView, out: ArrayView): void;

  /** Along the last axis; `log` for log-softmax. A row of -Inf gives 0 (NaN-free) for softmax. */
  softmax(x: ArrayView, out: ArrayView, log: boolean): void;
  /** dx = y * (dy - sum(dy * y)), or for log: dy - exp(y) * sum(dy). */
  softmaxBackward(y: ArrayView, dy: ArrayView, dx: ArrayView, log: boolean): void;
  /** x [R, N] (leading axes flattened), weight [N] or null: out = x * rstd * weight; rstd [R] f32. */
  rmsNorm(x: ArrayView, weight: ArrayView | null, eps: number, out: ArrayView, rstd: ArrayView): void;
  /** dWeight [N] has weight's dtype or is f32, null when weight is null. */
  rmsNormBackward(
    x: ArrayView,
    weight: ArrayView | null,
    rstd: ArrayView,
    dOut: ArrayView,
    dx: ArrayView,
    dWeight: ArrayView | null,
    added?: AddedGradients,
  ): void;
  layerNorm(
    x: ArrayView,
    weight: ArrayView | null,
    bias: ArrayView | null,
    eps: number,
    out: ArrayView,
    mean: ArrayView,
    rstd: ArrayView,
  ): void;
  /** dWeight and dBias [N] have the dtype of weight and bias or are f32, null where those are null. */
  layerNormBackward(
    x: ArrayView,
    weight: ArrayView | null,
    mean: ArrayView,
    rstd: ArrayView,
    dOut: ArrayView,
    dx: ArrayView,
    dWeight: ArrayView | null,
    dBias: ArrayView | null,
    added?: AddedGradients,
  ): void;
  /** x [B, T, H, D], positions i32 [B, T] -> out. Angles computed in f32: position * theta^(-2i/rotaryDim). */
  rope(x: ArrayView, positions: ArrayView, out: ArrayView, options: RopeOptions): void;
  /** table [V, C], ids i32 or u32 [N] -> out [N, C]. An id outside 0..V-1 gives a row of NaN. */
  embedding(table: ArrayView, ids: ArrayView, out: ArrayView): void;
  /** dTable [V, C] (f32 or f16; overwritten, or added to with `accumulate`): sum of dOut rows by id, in ascending row order. */
  embeddingBackward(ids: ArrayView, dOut: ArrayView, dTable: ArrayView, accumulate?: boolean): void;
  /**
   * logits [N, V], targets i32 [N] -> loss [N] f32 = lse - logits[target] + zLoss * lse^2. target === ignoreIndex: loss 0.
   * `lse` [N, 2] f32: the largest logit, and the logarithm of the sum of exponentials relative to it; their sum is the log-sum-exp.
   */
  crossEntropy(
    logits: ArrayView,
    targets: ArrayView,
    ignoreIndex: number,
    zLoss: number,
    loss: ArrayView,
    lse: ArrayView,
  ): void;
  /** dLoss [N] f32 -> dLogits [N, V] (may be `logits` itself, in place). */
  crossEntropyBackward(
    logits: ArrayView,
    targets: ArrayView,
    ignoreIndex: number,
    zLoss: number,
    lse: ArrayView,
    dLoss: ArrayView,
    dLogits: ArrayView,
  ): void;
  /** x [R, N, I] (axes before and after flattened), index i32 [J] -> out [R, J, I] = x[:, index, :]. */
  gather(x: ArrayView, index: ArrayView, out: ArrayView): void;
  /** The adjoint: dx [R, N, I] (overwritten; any dtype, dOut's) = sum over j of dOut[:, j, :] where index[j] = n, ascending j. */
  gatherBackward(dOut: ArrayView, index: ArrayView, dx: ArrayView): void;

  /** The whole family of `moda.md` section 1. */
  attention(args: AttentionArguments): void;
  attentionBackward(args: AttentionBackwardArguments): void;

  adamw(args: AdamWArguments): void;
  /** out f32 scalar = sum of squares over all arrays (f32 or f16); Inf and NaN propagate. */
  sumSquares(arrays: readonly ArrayView[], out: ArrayView): void;
}

/** A device that has every primitive, whatever the operators: `cpu` and `reference`. */
export type CompleteBackend = Backend & FamilyPrimitives;
