import { packedZeros, type Tensor, withoutScope } from '@modajs/tensor';
import { type ArrayView, mergeRuns } from '@modajs/tensor/extend';
import type { Collective } from '../collective.ts';
import { addBlocks, BLOCK, type BlockCoding, blocksOf, encodeBlocks, wordsOfBlock } from './block-codec.ts';
import { decodeOnDevice, encodeOnDevice } from './device-codec.ts';
import type { GradientExchange, HostTensor } from './gradient-exchange.ts';

/** Gradients that follow each other in memory, in blocks of their own. */
interface GradientRun {
  /** f32, one axis; gaps between gradients hold zeros. */
  readonly view: ArrayView;
  readonly firstBlock: number;
  readonly codec: RunCodec;
}

/** Turns a run into blocks and back where its device computes. */
interface RunCodec {
  /** @param words receives the blocks: at once (then the result is null), or when they are read back */
  read(words: Uint32Array): { readonly storage: ArrayView['storage'] } | null;
  write(words: Uint32Array): void;
  scaleResidual(factor: number): void;
  forget(): void;
  residual(): Promise<Float32Array>;
  restoreResidual(values: ArrayLike<number>): void;
  dispose(): void;
}

/**
 * Gradients in blocks of f16 or int8. Every rank gets its share of the blocks from all, adds them up in f32 and in the order of
 * ranks, and gives the sums, in blocks again, to all: the same bits everywhere. With int8 a rank keeps what coding leaves out of
 * its gradients, and of the sums that it makes, and adds it to the next ones (error feedback).
 *
 * References: Seide et al. 2014, "1-bit stochastic gradient descent"; Wang et al. 2024, "SDP4Bit" (arXiv 2410.15526).
 */
export class CodedExchange implements GradientExchange {
  readonly phases: readonly (() => Promise<void>)[];
  private readonly runs: readonly GradientRun[];
  /** All blocks of this rank's gradients; then those of the sums. */
  private readonly words: Uint32Array<ArrayBuffer>;
  /** This rank's share of the blocks, from each rank. */
  private readonly received: Uint32Array<ArrayBuffer>;
  private readonly sums: Float32Array;
  private readonly sumResidual: Float32Array | null;
  /** Bytes of each rank's share. */
  private readonly counts: readonly number[];
  private readonly backend: Tensor['device']['backend'];

  /** @param parameters with memory for their gradients */
  constructor(
    private readonly collective: Collective,
    private readonly parameters: readonly Tensor[],
    private readonly coding: BlockCoding,
  ) {
    const { size, rank } = collective;
    const { device } = parameters[0];
    this.backend = device.backend;
    const views = parameters.map(({ gradDestination }) => flat(gradDestination!.view));
    const keys = views.map(() => 0);
    let blocks = 0;
    this.runs = mergeRuns([views], keys).lists[0].map((view) => {
      const firstBlock = blocks;
      blocks += blocksOf(view.shape[0]);
      const codec =
        device.kind === 'webgpu' ? new DeviceCodec(device, view, coding) : new HostCodec(device, view, coding);
      return { view, firstBlock, codec };
    });
    const width = wordsOfBlock(coding);
    const shares = Array.from(
      { length: size },
      (_, i) => Math.floor(((i + 1) * blocks) / size) - Math.floor((i * blocks) / size),
    );
    this.counts = shares.map((count) => 4 * width * count);
    this.words = new Uint32Array(width * blocks);
    this.received = new Uint32Array(width * shares[rank] * size);
    this.sums = new Float32Array(BLOCK * shares[rank]);
    this.sumResidual = coding === 'int8' ? new Float32Array(this.sums.length) : null;
    this.phases = [() => this.scatter(), () => collective.allGather(bytesOf(this.words), this.counts)];
  }

  get bytes(): number {
    return this.words.byteLength;
  }

  read(): Promise<void> | null {
    // A rank's missing gradient counts as zeros; its memory holds that of a step before.
    for (const { grad, gradDestination } of this.parameters) {
      if (grad === null) this.backend.fill(gradDestination!.view, 0);
    }
    const parts = this.runs.flatMap((run) => {
      const into = this.wordsOf(run);
      const later = run.codec.read(into);
      return later === null ? [] : [{ storage: later.storage, offset: 0, into }];
    });
    return parts.length === 0 ? null : this.backend.downloadAll(parts);
  }

  write(): void {
    for (const run of this.runs) run.codec.write(this.wordsOf(run));
  }

  scaleResiduals(factor: number): void {
    if (this.sumResidual === null) return;
    scale(this.sumResidual, factor);
    for (const { codec } of this.runs) codec.scaleResidual(factor);
  }

  forget(): void {
    this.sumResidual?.fill(0);
    for (const { codec, view } of this.runs) {
      // The gaps between gradients too, for the norm and the optimiser read over them.
      this.backend.fill(view, 0);
      codec.forget();
    }
  }

  async residuals(): Promise<Readonly<Record<string, HostTensor>>> {
    if (this.sumResidual === null) return {};
    const named: Record<string, HostTensor> = { sum: hostTensor(this.sumResidual.slice()) };
    for (const [i, { codec }] of this.runs.entries()) named[`own-${i}`] = hostTensor(await codec.residual());
    return named;
  }

  restoreResiduals(saved: ReadonlyMap<string, { readonly data: ArrayLike<number> }>): void {
    if (this.sumResidual === null) return;
    const sum = saved.get('sum')?.data;
    if (sum?.length === this.sumResidual.length) this.sumResidual.set(sum);
    else this.sumResidual.fill(0);
    for (const [i, { codec, view }] of this.runs.entries()) {
      const own = saved.get(`own-${i}`)?.data;
      if (own?.length === view.shape[0]) codec.restoreResidual(own);
      else codec.forget();
    }
  }

  dispose(): void {
    for (const { codec } of this.runs) codec.dispose();
  }

  private wordsOf({ view, firstBlock }: GradientRun): Uint32Array<ArrayBuffer> {
    const width = wordsOfBlock(this.coding);
    return this.words.subarray(width * firstBlock, width * (firstBlock + blocksOf(view.shape[0])));
  }

  /** This rank's share of the sums, in its place among `words`. */
  private async scatter(): Promise<void> {
    const { collective, coding, received, sums, sumResidual, counts } = this;
    await collective.allToAll(bytesOf(this.words), counts, bytesOf(received));
    if (sumResidual === null) sums.fill(0);
    else sums.set(sumResidual);
    const length = counts[collective.rank] / 4;
    for (let from = 0; from < collective.size; from++) {
      addBlocks(coding, received.subarray(from * length, (from + 1) * length), sums);
    }
    const before = counts.slice(0, collective.rank).reduce((sum, count) => sum + count, 0) / 4;
    encodeBlocks(coding, sums, this.words.subarray(before, before + length));
    sumResidual?.set(sums);
  }
}

/** Encodes in the host's time: the device computes in its memory. */
class HostCodec implements RunCodec {
  private readonly values: Float32Array;
  private readonly kept: Float32Array | null;

  constructor(
    private readonly device: Tensor['device'],
    private readonly view: ArrayView,
    private readonly coding: BlockCoding,
  ) {
    this.values = new Float32Array(view.shape[0]);
    this.kept = coding === 'int8' ? new Float32Array(view.shape[0]) : null;
  }

  read(words: Uint32Array): null {
    const { view, values, kept } = this;
    values.set(this.device.backend.hostValues(view.storage, view.offset, values.length)!);
    if (kept !== null) for (let i = 0; i < values.length; i++) values[i] += kept[i];
    encodeBlocks(this.coding, values, words);
    kept?.set(values);
    return null;
  }

  write(words: Uint32Array): void {
    this.values.fill(0);
    addBlocks(this.coding, words, this.values);
    this.device.backend.upload(this.view.storage, this.view.offset, this.values);
  }

  scaleResidual(factor: number): void {
    if (this.kept !== null) scale(this.kept, factor);
  }

  forget(): void {
    this.kept?.fill(0);
  }

  async residual(): Promise<Float32Array> {
    return this.kept!.slice();
  }

  restoreResidual(values: ArrayLike<number>): void {
    this.kept?.set(values);
  }

  dispose(): void {}
}

/** Encodes before the blocks are read back. All its memory lasts: what comes and goes could take that of a replayed pass. */
class DeviceCodec implements RunCodec {
  private readonly words: Tensor;
  private readonly kept: Tensor | null;

  constructor(
    private readonly device: Tensor['device'],
    private readonly view: ArrayView,
    private readonly coding: BlockCoding,
  ) {
    const length = wordsOfBlock(coding) * blocksOf(view.shape[0]);
    [this.words] = withoutScope(() => packedZeros(device, [[length]], 'u32'));
    this.kept = coding === 'int8' ? withoutScope(() => packedZeros(device, [view.shape], 'f32'))[0] : null;
  }

  read(): { storage: ArrayView['storage'] } {
    const { view, kept, words } = this;
    const { backend } = this.device;
    if (kept !== null) backend.binary('add', view, kept.view, view);
    encodeOnDevice(backend, this.coding, view, words.view);
    if (kept !== null) backend.copy(view, kept.view);
    return { storage: words.view.storage };
  }

  write(words: Uint32Array): void {
    const { backend } = this.device;
    backend.upload(this.words.view.storage, 0, words);
    decodeOnDevice(backend, this.coding, this.words.view, this.view);
  }

  scaleResidual(factor: number): void {
    if (this.kept !== null) this.device.backend.unary('affine', this.kept.view, this.kept.view, factor, 0);
  }

  forget(): void {
    if (this.kept !== null) this.device.backend.fill(this.kept.view, 0);
  }

  async residual(): Promise<Float32Array> {
    return (await this.kept!.data()) as Float32Array;
  }

  restoreResidual(values: ArrayLike<number>): void {
    if (this.kept !== null) this.device.backend.upload(this.kept.view.storage, 0, Float32Array.from(values));
  }

  dispose(): void {
    this.words.dispose();
    this.kept?.dispose();
  }
}

function flat(view: ArrayView): ArrayView {
  return { ...view, shape: [view.shape.reduce((product, extent) => product * extent, 1)], strides: [1] };
}

function scale(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] *= factor;
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function hostTensor(data: Float32Array): HostTensor {
  return { dtype: 'F32', shape: [data.length], data };
}
