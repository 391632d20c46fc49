import * as kernels from '@modajs/cpu';
import { type DType, elementBytes, type HostArray } from '../../core/dtype.ts';
import { DeviceError } from '../../core/errors.ts';
import { sizeOf } from '../../core/shape.ts';
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
import { cpuAttention, cpuAttentionBackward } from './cpu-attention.ts';
import { cpuArray as at, CpuStorage, cpuQuantized, optionalArray as maybe } from './cpu-storage.ts';
import { download, upload } from './cpu-transfers.ts';

/**
 * The kernels of `@modajs/cpu` as a device. Tensors live in the kernels' memory, so nothing is copied; every primitive has run to its end
 * when it returns.
 */
export class CpuBackend implements CompleteBackend {
  readonly kind = 'cpu';
  readonly chunkBytes = 2 ** 25;
  readonly packLength = 2 ** 25;
  readonly rowAlignment = 1;
  readonly fused = {};
  readonly canReplay = false;
  readonly description: string;
  readonly #runtime: kernels.CpuRuntime;

  constructor(runtime: kernels.CpuRuntime) {
    this.#runtime = runtime;
    this.description = `WebAssembly ${runtime.build}, ${runtime.threads} thread${runtime.threads === 1 ? '' : 's'}`;
  }

  supports(): boolean {
    return true;
  }

  allocate(length: number, dtype: DType): DeviceStorage {
    return new CpuStorage(this.#runtime.memory.allocate(length * elementBytes(dtype)), length, dtype);
  }

  release(storage: DeviceStorage): void {
    this.#runtime.memory.release((storage as CpuStorage).address);
  }

  upload(storage: DeviceStorage, offset: number, data: HostArray): void {
    upload(this.#runtime, storage as CpuStorage, offset, data);
  }

  async download(storage: DeviceStorage, offset: number, length: number): Promise<HostArray> {
    return download(this.#runtime, storage as CpuStorage, offset, length);
  }

  async downloadAll(parts: readonly DownloadPart[]): Promise<void> {
    for (const { storage, offset, into } of parts) into.set(await this.download(storage, offset, into.length));
  }

  hostValues(storage: DeviceStorage, offset: number, length: number): HostArray {
    if (storage.dtype !== 'f32') return download(this.#runtime, storage as CpuStorage, offset, length);
    const first = ((storage as CpuStorage).address >>> 2) + offset;
    return this.#runtime.memory.f32.subarray(first, first + length);
  }

  async synchronize(): Promise<void> {}

  endStep(): void {}

  memory(): MemoryStats {
    const { liveBytes, pooledBytes, allocations, peakLiveBytes } = this.#runtime.memory;
    return { liveBytes, pooledBytes, allocations, peakLiveBytes };
  }

  capture(): never {
    throw new DeviceError(
      'cpu: commands must be recorded to be captured, got a device that computes at once. Ask canReplay.',
    );
  }

  destroy(): void {
    this.#runtime.destroy();
  }

  fill(out: ArrayView, value: number): void {
    kernels.fill(this.#runtime, at(out), value);
  }

  copy(x: ArrayView, out: ArrayView): void {
    kernels.copy(this.#runtime, at(x), at(out));
  }

  unary(op: UnaryOp, x: ArrayView, out: ArrayView, alpha?: number, beta?: number): void {
    kernels.unary(this.#runtime, op, at(x), at(out), alpha, beta);
  }

  binary(op: BinaryOp, a: ArrayView, b: ArrayView, out: ArrayView): void {
    kernels.binary(this.#runtime, op, at(a), at(b), at(out));
  }

  ternary(op: TernaryOp, a: ArrayView, b: ArrayView, c: ArrayView, out: ArrayView): void {
    kernels.ternary(this.#runtime, op, at(a), at(b), at(c), at(out));
  }

  reduce(
    op: 'sum' | 'max' | 'min' | 'sumSquares',
    x: ArrayView,
    axes: readonly number[],
    out: ArrayView,
    accumulate = false,
  ): void {
    this.#put([out], accumulate, ([sum]) => kernels.reduce(this.#runtime, op, at(x), axes, at(sum)));
  }

  /** Has `compute` write to `outs`, or to memory of its own that is then added to them. */
  #put(outs: readonly ArrayView[], accumulate: boolean, compute: (outs: readonly ArrayView[]) => void): void {
    if (!accumulate) {
      compute(outs);
      return;
    }
    const fresh = outs.map((out): ArrayView => {
      const length = out.shape.reduce((product, extent) => product * extent, 1);
      return { ...out, storage: this.allocate(length, out.dtype), offset: 0 };
    });
    compute(fresh);
    for (const [n, out] of outs.entries()) {
      this.binary('add', out, fresh[n], out);
      this.release(fresh[n].storage);
    }
  }

  /** `#put` of outputs by name, of which some are added to. */
  #putEach<Name extends string>(
    outs: Readonly<Record<Name, ArrayView | null>>,
    added: Readonly<Partial<Record<Name, boolean>>>,
    compute: (outs: Readonly<Record<Name, ArrayView | null>>) => void,
  ): void {
    const sums = (Object.keys(outs) as Name[]).filter((name) => added[name] && outs[name] !== null);
    this.#put(
      sums.map((name) => outs[name]!),
      sums.length > 0,
      (fresh) => compute({ ...outs, ...Object.fromEntries(sums.map((name, n) => [name, fresh[n]])) }),
    );
  }

  argmax(x: ArrayView, out: ArrayView): void {
    kernels.argmax(this.#runtime, at(x), at(out));
  }

  argsort(x: ArrayView, out: ArrayView, isDescending: boolean): void {
    kernels.argsort(this.#runtime, at(x), at(out), isDescending);
  }

  matmul(a: ArrayView, b: ArrayView, out: ArrayView, options: MatmulOptions = {}): void {
    kernels.matmul(this.#runtime, at(a), at(b), at(out), { ...options, bias: options.bias && at(options.bias) });
  }

  quantizedProduct(x: ArrayView, matrix: QuantizedView, out: ArrayView): void {
    kernels.quantizedProduct(this.#runtime, at(x), cpuQuantized(matrix), at(out));
  }

  dequantize(matrix: QuantizedView, out: ArrayView): void {
    kernels.dequantize(this.#runtime, cpuQuantized(matrix), at(out));
  }

  softmax(x: ArrayView, out: ArrayView, log: boolean): void {
    kernels.softmax(this.#runtime, at(x), at(out), log);
  }

  softmaxBackward(y: ArrayView, dy: ArrayView, dx: ArrayView, log: boolean): void {
    kernels.softmaxBackward(this.#runtime, at(y), at(dy), at(dx), log);
  }

  rmsNorm(x: ArrayView, weight: ArrayView | null, eps: number, out: ArrayView, rstd: ArrayView): void {
    kernels.norm(this.#runtime, { x: at(x), weight: maybe(weight), rstd: at(rstd) }, eps, at(out));
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
    this.#putEach({ dx, dWeight, dBias: null }, added, (outs) => {
      const gradients = { dOut: at(dOut), dx: at(outs.dx!), dWeight: maybe(outs.dWeight) };
      kernels.normBackward(this.#runtime, { x: at(x), weight: maybe(weight), rstd: at(rstd) }, gradients);
    });
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
    const operands = { x: at(x), weight: maybe(weight), bias: maybe(bias), mean: at(mean), rstd: at(rstd) };
    kernels.norm(this.#runtime, operands, eps, at(out));
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
    const operands = { x: at(x), weight: maybe(weight), mean: at(mean), rstd: at(rstd) };
    this.#putEach({ dx, dWeight, dBias }, added, (outs) => {
      const gradients = { dOut: at(dOut), dx: at(outs.dx!), dWeight: maybe(outs.dWeight), dBias: maybe(outs.dBias) };
      kernels.normBackward(this.#runtime, operands, gradients);
    });
  }

  rope(x: ArrayView, positions: ArrayView, out: ArrayView, options: RopeOptions): void {
    kernels.rope(this.#runtime, at(x), at(positions), at(out), options);
  }

  embedding(table: ArrayView, ids: ArrayView, out: ArrayView): void {
    const rows = at(table);
    kernels.gather(this.#runtime, { ...rows, shape: [1, ...table.shape] }, at(ids), at(out));
  }

  embeddingBackward(ids: ArrayView, dOut: ArrayView, dTable: ArrayView, accumulate = false): void {
    this.#put([dTable], accumulate, ([table]) => {
      const rows = at(table);
      const dx = kernels.denseArray(rows.address, [1, ...table.shape], rows.dtype);
      kernels.gatherBackward(this.#runtime, at(dOut), at(ids), dx);
    });
  }

  crossEntropy(
    logits: ArrayView,
    targets: ArrayView,
    ignoreIndex: number,
    zLoss: number,
    loss: ArrayView,
    lse: ArrayView,
  ): void {
    kernels.crossEntropy(this.#runtime, at(logits), at(targets), at(loss), at(lse), { ignoreIndex, zLoss });
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
    const [x, t, l, g, dx] = [logits, targets, lse, dLoss, dLogits].map(at);
    kernels.crossEntropyBackward(this.#runtime, x, t, l, g, dx, { ignoreIndex, zLoss });
  }

  gather(x: ArrayView, index: ArrayView, out: ArrayView): void {
    kernels.gather(this.#runtime, at(x), at(index), at(out));
  }

  gatherBackward(dOut: ArrayView, index: ArrayView, dx: ArrayView): void {
    kernels.gatherBackward(this.#runtime, at(dOut), at(index), at(dx));
  }

  random(kind: 'uniform' | 'normal', seed: number, offset: number, out: ArrayView): void {
    kernels.random(this.#runtime, kind, seed, offset, at(out));
  }

  dropout(x: ArrayView, p: number, seed: number, offset: number, out: ArrayView): void {
    kernels.dropout(this.#runtime, at(x), p, seed, offset, at(out));
  }

  attention(args: AttentionArguments): void {
    kernels.attention(this.#runtime, cpuAttention(args));
  }

  attentionBackward(args: AttentionBackwardArguments): void {
    const { dk, dv, accumulateKeys } = args;
    const run = (own: AttentionBackwardArguments) =>
      kernels.attentionBackward(this.#runtime, cpuAttentionBackward(own));
    if (dk && dv) this.#put([dk, dv], accumulateKeys, ([k, v]) => run({ ...args, dk: k, dv: v }));
    else run(args);
  }

  adamw(args: AdamWArguments): void {
    const { params, grads, m, v, gradScale } = args;
    const arrays = { params: params.map(at), grads: grads.map(at), m: m.map(at), v: v.map(at) };
    kernels.adamw(this.#runtime, { ...args, ...arrays, gradScale: maybe(gradScale) });
  }

  sumSquares(arrays: readonly ArrayView[], out: ArrayView): void {
    kernels.sumSquares(this.#runtime, arrays.map(at), at(out));
  }

  custom(call: CustomKernelCall): void {
    runHostKernel(call, {
      read: ({ storage, offset, shape }) => download(this.#runtime, storage as CpuStorage, offset, sizeOf(shape)),
      write: ({ storage, offset }, values) => upload(this.#runtime, storage as CpuStorage, offset, values),
      Floats: Float32Array,
    });
  }
}
