import { DepthStream, SequenceCache } from '@modajs/moda';
import {
  concat,
  type Device,
  type DType,
  defaultDevice,
  elementBytes,
  packedZeros,
  slice,
  type Tensor,
  withoutScope,
} from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { visibleChunk } from '../depth/decoder-depth.ts';

/** Size of a cache and where it lives. */
export interface DecoderCacheOptions {
  readonly B: number;
  /** Positions it can hold, prompt included. */
  readonly capacity: number;
  readonly dtype?: DType;
  readonly device?: Device;
}

/**
 * What decoding keeps between steps: the ordinary key/value cache of every layer and nothing else. Depth slots of past
 * tokens are never read again; only chunk-visible models keep the slots of the chunk in progress (fewer than C positions).
 */
export class DecoderCache implements Disposable {
  readonly layers: readonly SequenceCache[];
  /** Slots `[B, phase, Hkv, D]` of the unfinished chunk, by slot; empty at a chunk's start. */
  #chunk: { k: Tensor; v: Tensor }[] = [];

  /** @throws OutOfMemoryError */
  constructor(
    readonly config: DecoderConfig,
    readonly options: DecoderCacheOptions,
  ) {
    const { nLayers, nKvHeads: Hkv, headDim: D } = config;
    const { B, capacity, dtype = 'f32', device = defaultDevice() } = options;
    const shapes = Array.from({ length: nLayers }, () => [B, capacity, Hkv, D]);
    // Side by side: one kernel reaches all layers. Keys and values apart: kernels write both.
    const [keys, values] = withoutScope(() => [0, 1].map(() => packedZeros(device, shapes, dtype)));
    this.layers = keys.map((k, layer) => new SequenceCache({ Hkv, D, ...options }, { k, v: values[layer] }));
  }

  /** Positions seen. */
  get length(): number {
    return this.layers[0].length;
  }

  /** Bytes kept between steps. */
  get sizeBytes(): number {
    const bytes = (x: Tensor): number => x.size * elementBytes(x.dtype);
    const chunk = this.#chunk.reduce((total, { k, v }) => total + bytes(k) + bytes(v), 0);
    return this.layers.reduce((total, layer) => total + layer.sizeBytes, chunk);
  }

  /** Positions of the chunk in progress that were seen before this step. */
  get chunkPhase(): number {
    return this.length % visibleChunk(this.config);
  }

  /** The stream of one step of a chunk-visible model: it shows the unfinished chunk's slots before the new ones. */
  chunkStream(slots: number, T: number): DepthStream {
    const { B, dtype, device } = this.options;
    const { nKvHeads: Hkv, headDim: D } = this.config;
    return new ContinuedStream({ slots, B, T: this.chunkPhase + T, Hkv, D, dtype, device }, this.#chunk);
  }

  /** After a step: keeps the slots of the chunk that is still in progress. */
  keepChunk(stream: DepthStream): void {
    const phase = this.chunkPhase;
    const kept = withoutScope(() =>
      Array.from({ length: phase === 0 ? 0 : stream.count }, (_, index) => {
        const slot = stream.slot(index);
        const part = { k: newest(slot.k, phase), v: newest(slot.v, phase) };
        slot.k.dispose();
        slot.v.dispose();
        return part;
      }),
    );
    this.#dropChunk();
    this.#chunk = kept;
  }

  #dropChunk(): void {
    for (const { k, v } of this.#chunk) {
      k.dispose();
      v.dispose();
    }
    this.#chunk = [];
  }

  dispose(): void {
    for (const layer of this.layers) layer.dispose();
    this.#dropChunk();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A copy of the last `count` positions of `[B, T, Hkv, D]`. */
function newest(x: Tensor, count: number): Tensor {
  const [B, T, Hkv, D] = x.shape;
  // concat copies; the slice alone would keep the whole arena alive.
  using view = slice(x, [0, T - count, 0, 0], [B, T, Hkv, D]);
  return concat([view], 1);
}

/** A stream whose slots begin with positions from an earlier step. */
class ContinuedStream extends DepthStream {
  constructor(
    options: DepthStream['options'],
    private readonly earlier: readonly { readonly k: Tensor; readonly v: Tensor }[],
  ) {
    super(options);
  }

  /** Behind earlier positions the new ones alone do not fill a slot. */
  override nextSlot(): { k: Tensor; v: Tensor } | null {
    return this.earlier[this.count] ? null : super.nextSlot();
  }

  override write(k: Tensor, v: Tensor): void {
    const before = this.earlier[this.count];
    super.write(before ? concat([before.k, k], 1) : k, before ? concat([before.v, v], 1) : v);
  }
}
