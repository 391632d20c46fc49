import { BUFFER_USAGE } from '@modajs/kernels/executor';

const CAPACITY = 2 ** 20;

/**
 * Uniform blocks of the dispatches of one submission, side by side in one buffer and addressed by dynamic offsets.
 * Collected on the host and written in one piece before the submission; writes and submissions keep their order, so one buffer serves all.
 */
export class UniformRing {
  readonly buffer: GPUBuffer;
  readonly #host = new Uint8Array(CAPACITY);
  readonly #alignment: number;
  #used = 0;

  constructor(readonly device: GPUDevice) {
    this.#alignment = device.limits.minUniformBufferOffsetAlignment;
    const usage = BUFFER_USAGE.UNIFORM | BUFFER_USAGE.COPY_DST;
    this.buffer = device.createBuffer({ size: CAPACITY, usage, label: 'uniform ring' });
  }

  hasRoom(bytes: number): boolean {
    return this.#used + bytes + this.#alignment <= CAPACITY;
  }

  /** Stores a block of the layout's size and returns its dynamic offset. */
  push(block: Uint8Array, bytes: number): number {
    const offset = this.#used;
    this.#host.set(block, offset);
    this.#used = Math.ceil((offset + bytes) / this.#alignment) * this.#alignment;
    return offset;
  }

  /** Writes what was collected and starts over. Call right before the submission. */
  flush(): void {
    if (this.#used === 0) return;
    this.device.queue.writeBuffer(this.buffer, 0, this.#host, 0, Math.min(this.#used, CAPACITY));
    this.#used = 0;
  }

  destroy(): void {
    this.buffer.destroy();
  }
}
