import {
  type CompleteBackend,
  DeviceError,
  type DType,
  elementBytes,
  type HostArray,
  type MemoryStats,
} from '@modajs/tensor';

type DeviceStorage = ReturnType<CompleteBackend['allocate']>;

/**
 * A device that computes nothing and owns nothing: it only counts the bytes that a real one would hold. Running a model's
 * step on it measures the step's memory exactly, at the cost of recording the graph.
 */
export class CountingBackend implements CompleteBackend {
  readonly kind = 'reference';
  readonly description = 'counts bytes, computes nothing';
  readonly chunkBytes = 2 ** 25;
  readonly packLength = 2 ** 25;
  readonly rowAlignment = 1;
  readonly fused = {};
  readonly canReplay = false;
  #liveBytes = 0;
  #peakLiveBytes = 0;
  #allocations = 0;

  supports(): boolean {
    return true;
  }

  allocate(length: number, dtype: DType): DeviceStorage {
    this.#liveBytes += length * elementBytes(dtype);
    this.#peakLiveBytes = Math.max(this.#peakLiveBytes, this.#liveBytes);
    this.#allocations++;
    return { length, dtype };
  }

  release({ length, dtype }: DeviceStorage): void {
    this.#liveBytes -= length * elementBytes(dtype);
  }

  memory(): MemoryStats {
    return {
      liveBytes: this.#liveBytes,
      pooledBytes: 0,
      allocations: this.#allocations,
      peakLiveBytes: this.#peakLiveBytes,
    };
  }

  /** Zeros. */
  async download(_storage: DeviceStorage, _offset: number, length: number): Promise<HostArray> {
    return new Float32Array(length);
  }

  hostValues(): null {
    return null;
  }

  capture(): never {
    throw new DeviceError('countingBackend: nothing is recorded that could be captured. Ask canReplay.');
  }

  async synchronize(): Promise<void> {}
  async downloadAll(): Promise<void> {}
  upload(): void {}
  endStep(): void {}
  destroy(): void {}
  fill(): void {}
  copy(): void {}
  unary(): void {}
  binary(): void {}
  ternary(): void {}
  reduce(): void {}
  argmax(): void {}
  argsort(): void {}
  matmul(): void {}
  quantizedProduct(): void {}
  dequantize(): void {}
  softmax(): void {}
  softmaxBackward(): void {}
  rmsNorm(): void {}
  rmsNormBackward(): void {}
  layerNorm(): void {}
  layerNormBackward(): void {}
  rope(): void {}
  embedding(): void {}
  embeddingBackward(): void {}
  crossEntropy(): void {}
  crossEntropyBackward(): void {}
  gather(): void {}
  gatherBackward(): void {}
  random(): void {}
  dropout(): void {}
  attention(): void {}
  attentionBackward(): void {}
  adamw(): void {}
  sumSquares(): void {}
  custom(): void {}
}
