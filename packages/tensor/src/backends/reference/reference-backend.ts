import * as reference from '@modajs/cpu/reference';
import { type DType, type HostArray, isFloat } from '../../core/dtype.ts';
import { DeviceError } from '../../core/errors.ts';
import { normalAt, uniformAt } from '../../core/philox.ts';
import type { AttentionArguments, AttentionBackwardArguments } from '../attention-arguments.ts';
import type {
  AdamWArguments,
  AddedGradients,
  ArrayView,
  CompleteBackend,
  DeviceStorage,
  DownloadPart,
  MatmulOptions,
  MemoryStats,
  QuantizedView,
  RopeOptions,
} from '../backend.ts';
import type { CustomKernelCall } from '../custom-kernel-call.ts';
import type { BinaryOp, TernaryOp, UnaryOp } from '../elementwise-ops.ts';
import { runHostKernel } from '../host-kernel.ts';
import { runAttention, runAttentionBackward } from './reference-attention.ts';
import { ReferenceMemory } from './reference-memory.ts';
import { arithmeticRound, memoryOf, type ReferencePrecision, storageRound, strided } from './reference-storage.ts';

const dense = (view: ArrayView): Float64Array => reference.toDense(strided(view));
const maybe = (view: ArrayView | null): Float64Array | null => view && memoryOf(view);
const last = (view: ArrayView): number => view.shape.at(-1) ?? 1;
/** The nearest number of an integer dtype's range. */
const saturated = (value: number, dtype: DType): number =>
  dtype === 'i32' ? Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1) : Math.min(Math.max(value, 0), 2 ** 32 - 1);
const numbersOf = ({ format, shape, codes, scales }: QuantizedView): Float64Array =>
  reference.dequantizeReference(format, memoryOf(codes), memoryOf(scales), shape[0] * shape[1]);
const isInteger = (dtype: DType): boolean => !isFloat(dtype);

/**
 * Every primitive by its definition, in plain loops over f64 memory: the truth that other devices are held to, and with
 * precision `f32`, or that of a shorter float, the naive computation whose error sets their tolerance. Slow on purpose; runs anywhere.
 */
export class ReferenceBackend implements CompleteBackend {
  readonly kind = 'reference';
  readonly chunkBytes = 2 ** 25;
  readonly packLength = 2 ** 25;
  readonly rowAlignment = 1;
  readonly fused = {};
  readonly canReplay = false;
  readonly description: string;
  readonly #round: reference.Round;
  readonly #memory: ReferenceMemory;

  constructor(readonly precision: ReferencePrecision) {
    this.description = `plain ${precision} loops`;
    this.#round = arithmeticRound(precision);
    this.#memory = new ReferenceMemory(precision);
  }

  supports(): boolean {
    return true;
  }

  allocate(length: number, dtype: DType): DeviceStorage {
    return this.#memory.allocate(length, dtype);
  }

  release(storage: DeviceStorage): void {
    this.#memory.release(storage);
  }

  upload(storage: DeviceStorage, offset: number, data: HostArray): void {
    this.#memory.upload(storage, offset, data);
  }

  async download(storage: DeviceStorage, offset: number, length: number): Promise<HostArray> {
    return this.#memory.download(storage, offset, length);
  }

  async downloadAll(parts: readonly DownloadPart[]): Promise<void> {
    for (const { storage, offset, into } of parts) into.set(await this.download(storage, offset, into.length));
  }

  hostValues(storage: DeviceStorage, offset: number, length: number): HostArray {
    return this.#memory.download(storage, offset, length);
  }

  async synchronize(): Promise<void> {}

  endStep(): void {}

  memory(): MemoryStats {
    return this.#memory.stats();
  }

  capture(): never {
    throw new DeviceError(
      'reference: commands must be recorded to be captured, got a device that computes at once. Ask canReplay.',
    );
  }

  destroy(): void {
    this.#memory.clear();
  }

  readonly #store = (out: ArrayView, values: ArrayLike<number>): void => {
    reference.writeDense(strided(out), values, storageRound(out.dtype, this.precision));
  };

  #put(out: ArrayView, values: ArrayLike<number>, accumulate: boolean): void {
    const before = accumulate ? memoryOf(out) : null;
    this.#store(out, before ? Array.from(values, (value, i) => this.#round(before[i] + value)) : values);
  }

  fill(out: ArrayView, value: number): void {
    this.#store(out, new Float64Array(reference.elementCount(out.shape)).fill(value));
  }

  copy(x: ArrayView, out: ArrayView): void {
    const isTruncating = isInteger(out.dtype) && !isInteger(x.dtype);
    this.#store(out, isTruncating ? dense(x).map((value) => saturated(value, out.dtype)) : dense(x).slice());
  }

  unary(op: UnaryOp, x: ArrayView, out: ArrayView, alpha?: number, beta?: number): void {
    if (isInteger(x.dtype)) this.#store(out, reference.integerUnaryReference(op, dense(x), alpha, beta));
    else this.#store(out, reference.unaryReference(op, dense(x), this.#round, alpha, beta));
  }

  binary(op: BinaryOp, a: ArrayView, b: ArrayView, out: ArrayView): void {
    if (isInteger(a.dtype)) this.#store(out, reference.integerBinaryReference(op, dense(a), dense(b)));
    else this.#store(out, reference.binaryReference(op, dense(a), dense(b), this.#round));
  }

  ternary(op: TernaryOp, a: ArrayView, b: ArrayView, c: ArrayView, out: ArrayView): void {
    this.#store(out, reference.ternaryReference(op, dense(a), dense(b), dense(c), this.#round));
  }

  reduce(
    op: 'sum' | 'max' | 'min' | 'sumSquares',
    x: ArrayView,
    axes: readonly number[],
    out: ArrayView,
    accumulate = false,
  ): void {
    const round = isInteger(x.dtype) ? reference.exact : this.#round;
    this.#put(out, reference.reduceReference(op, dense(x), x.shape, axes, round), accumulate);
  }

  argmax(x: ArrayView, out: ArrayView): void {
    this.#store(out, reference.argmaxReference(dense(x), last(x)));
  }

  argsort(x: ArrayView, out: ArrayView, isDescending: boolean): void {
    this.#store(out, reference.argsortReference(dense(x), last(x), isDescending));
  }

  matmul(a: ArrayView, b: ArrayView, out: ArrayView, options: MatmulOptions = {}): void {
    const [M, N] = out.shape.slice(-2);
    const sizes = { batch: reference.elementCount(out.shape.slice(0, -2)), M, N, K: last(a) };
    const { alpha, bias, accumulate } = options;
    const values = reference.matmulReference(dense(a), dense(b), sizes, this.#round, {
      alpha,
      bias: bias && memoryOf(bias),
      previous: accumulate ? memoryOf(out) : undefined,
    });
    this.#store(out, values);
  }

  quantizedProduct(x: ArrayView, matrix: QuantizedView, out: ArrayView): void {
    const [O, I] = matrix.shape;
    const numbers = numbersOf(matrix);
    const columns = Float64Array.from({ length: I * O }, (_, i) => numbers[(i % O) * I + Math.floor(i / O)]);
    const sizes = { batch: 1, M: out.shape[0], N: O, K: I };
    this.#store(out, reference.matmulReference(dense(x), columns, sizes, this.#round));
  }

  dequantize(matrix: QuantizedView, out: ArrayView): void {
    this.#store(out, numbersOf(matrix));
  }

  softmax(x: ArrayView, out: ArrayView, log: boolean): void {
    this.#store(out, reference.softmaxReference(dense(x), last(x), log, this.#round));
  }

  softmaxBackward(y: ArrayView, dy: ArrayView, dx: ArrayView, log: boolean): void {
    this.#store(dx, reference.softmaxBackwardReference(dense(y), dense(dy), last(y), log, this.#round));
  }

  rmsNorm(x: ArrayView, weight: ArrayView | null, eps: number, out: ArrayView, rstd: ArrayView): void {
    const result = reference.rmsNormReference(dense(x), maybe(weight), last(x), eps, this.#round);
    this.#store(out, result.out);
    this.#store(rstd, result.rstd);
  }

  rmsNormBackward(
    x: ArrayView,
    weight: ArrayView | null,
    rstd: ArrayView,
    dOut: ArrayView,
    dx: ArrayView,
    dWeight: ArrayView | null,
    added: AddedGradients = {},
  ): void {
    const saved = dense(rstd);
    const result = reference.rmsNormBackwardReference(
      dense(x),
      maybe(weight),
      saved,
      dense(dOut),
      last(x),
      this.#round,
    );
    this.#put(dx, result.dx, added.dx ?? false);
    if (dWeight) this.#put(dWeight, result.dWeight, added.dWeight ?? false);
  }

  layerNorm(
    x: ArrayView,
    weight: ArrayView | null,
    bias: ArrayView | null,
    eps: number,
    out: ArrayView,
    mean: ArrayView,
    rstd: ArrayView,
  ): void {
    const result = reference.layerNormReference(dense(x), maybe(weight), maybe(bias), last(x), eps, this.#round);
    this.#store(out, result.out);
    this.#store(mean, result.mean);
    this.#store(rstd, result.rstd);
  }

  layerNormBackward(
    x: ArrayView,
    weight: ArrayView | null,
    mean: ArrayView,
    rstd: ArrayView,
    dOut: ArrayView,
    dx: ArrayView,
    dWeight: ArrayView | null,
    dBias: ArrayView | null,
    added: AddedGradients = {},
  ): void {
    const saved = { mean: dense(mean), rstd: dense(rstd) };
    const columns = last(x);
    const result = reference.layerNormBackwardReference(
      dense(x),
      maybe(weight),
      saved,
      dense(dOut),
      columns,
      this.#round,
    );
    this.#put(dx, result.dx, added.dx ?? false);
    if (dWeight) this.#put(dWeight, result.dWeight, added.dWeight ?? false);
    if (dBias) this.#put(dBias, result.dBias, added.dBias ?? false);
  }

  rope(x: ArrayView, positions: ArrayView, out: ArrayView, options: RopeOptions): void {
    const [H, D] = x.shape.slice(-2);
    this.#store(out, reference.ropeReference(dense(x), dense(positions), { ...options, H, D }, this.#round));
  }

  embedding(table: ArrayView, ids: ArrayView, out: ArrayView): void {
    this.#store(out, reference.embeddingReference(dense(table), last(table), dense(ids)));
  }

  embeddingBackward(ids: ArrayView, dOut: ArrayView, dTable: ArrayView, accumulate = false): void {
    const [V, C] = dTable.shape;
    const sums = reference.embeddingBackwardReference(dense(ids), dense(dOut), V, C, this.#round);
    this.#put(dTable, sums, accumulate);
  }

  crossEntropy(
    logits: ArrayView,
    targets: ArrayView,
    ignoreIndex: number,
    zLoss: number,
    loss: ArrayView,
    lse: ArrayView,
  ): void {
    const options = { V: last(logits), ignoreIndex, zLoss };
    const result = reference.crossEntropyReference(dense(logits), dense(targets), options, this.#round);
    this.#store(loss, result.loss);
    this.#store(lse, result.lse);
  }

  crossEntropyBackward(
    logits: ArrayView,
    targets: ArrayView,
    ignoreIndex: number,
    zLoss: number,
    lse: ArrayView,
    dLoss: ArrayView,
    dLogits: ArrayView,
  ): void {
    const options = { V: last(logits), ignoreIndex, zLoss };
    const values = reference.crossEntropyBackwardReference(
      dense(logits),
      dense(targets),
      dense(lse),
      dense(dLoss),
      options,
      this.#round,
    );
    this.#store(dLogits, values);
  }

  gather(x: ArrayView, index: ArrayView, out: ArrayView): void {
    this.#store(out, reference.gatherReference(dense(x), dense(index), gatherSizes(x)));
  }

  gatherBackward(dOut: ArrayView, index: ArrayView, dx: ArrayView): void {
    const round = isInteger(dx.dtype) ? reference.exact : this.#round;
    this.#store(dx, reference.gatherBackwardReference(dense(dOut), dense(index), gatherSizes(dx), round));
  }

  random(kind: 'uniform' | 'normal', seed: number, offset: number, out: ArrayView): void {
    const at = kind === 'uniform' ? uniformAt : normalAt;
    const values = new Float64Array(reference.elementCount(out.shape)).map((_, i) => at(offset + i, seed));
    this.#store(out, values);
  }

  dropout(x: ArrayView, p: number, seed: number, offset: number, out: ArrayView): void {
    const scale = this.#round(1 / (1 - p));
    const values = dense(x).map((value, i) => (uniformAt(offset + i, seed) >= p ? this.#round(value * scale) : 0));
    this.#store(out, values);
  }

  attention(args: AttentionArguments): void {
    runAttention(args, this.#round, this.#store);
  }

  attentionBackward(args: AttentionBackwardArguments): void {
    runAttentionBackward(args, this.#round, this.#store);
  }

  adamw({ params, grads, m, v, weightDecay, gradScale, ...rest }: AdamWArguments): void {
    const scale = gradScale ? memoryOf(gradScale)[0] : 1;
    params.forEach((param, i) => {
      const options = { ...rest, weightDecay: weightDecay[i], gradScale: scale };
      const [p, m1, v1] = [param, m[i], v[i]].map(memoryOf);
      reference.adamwReference(p, memoryOf(grads[i]), m1, v1, options, this.#round);
    });
  }

  sumSquares(arrays: readonly ArrayView[], out: ArrayView): void {
    let total = 0;
    for (const array of arrays) {
      const [sum] = reference.reduceReference(
        'sumSquares',
        dense(array),
        [reference.elementCount(array.shape)],
        [0],
        this.#round,
      );
      total = this.#round(total + sum);
    }
    this.#store(out, [total]);
  }

  custom(call: CustomKernelCall): void {
    runHostKernel(call, {
      read: (view) => this.#memory.download(view.storage, view.offset, reference.elementCount(view.shape)),
      write: (view, values) => this.#memory.upload(view.storage, view.offset, values),
      Floats: Float64Array,
    });
  }
}

/** Leading and trailing axes are flattened around the gathered middle one: views are `[R, N, I]`. */
function gatherSizes(x: ArrayView): reference.GatherSizes {
  const [R, N, I] = x.shape;
  return { R, N, I };
}

/**
 * A reference device's backend.
 *
 * @param options.round `f64` (default): exact; `f32`: every operation rounded to f32; `f16`: also f16 tensors rounded to f16
 */
export function createReferenceBackend(options: { round?: ReferencePrecision } = {}): ReferenceBackend {
  return new ReferenceBackend(options.round ?? 'f64');
}
