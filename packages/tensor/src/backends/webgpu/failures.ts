import { KernelError } from '@modajs/kernels';
import { DeviceError, OutOfMemoryError } from '../../core/errors.ts';

/** Start of the labels of the user's kernels. */
export const CUSTOM_LABEL = 'custom ';

/**
 * Collects what the device reports on its own time, and raises it where the caller waits.
 * Knows which kernels ran with which operands, so that a message names them.
 */
export class Failures {
  #pending: Error | null = null;
  #isLost = false;
  #isExpected = false;
  readonly #kernels = new Map<string, () => string>();
  readonly #device: GPUDevice;
  #last = '';

  readonly #onError = (event: Event): void => {
    this.#pending ??= this.#errorOf((event as GPUUncapturedErrorEvent).error);
  };

  constructor(
    device: GPUDevice,
    readonly liveBytes: () => number,
  ) {
    this.#device = device;
    device.addEventListener('uncapturederror', this.#onError);
    void device.lost.then(({ reason, message }) => {
      this.#isLost = true;
      if (this.#isExpected) return;
      this.#pending = new DeviceError(
        `webgpu: the device must stay alive, got lost (${reason}): ${message} Last kernel: ${this.#describe(this.#last)}. Open a new one with init() and load the last checkpoint.`,
        { reason, kernel: this.#last },
      );
    });
  }

  /** The caller destroys the device: its loss is no failure. Dawn keeps a listener, and all that it reaches, for good: it goes. */
  expectLoss(): void {
    this.#isExpected = true;
    this.#device.removeEventListener('uncapturederror', this.#onError);
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Remembers the operands of the latest dispatch of a kernel. */
  note(label: string, operands: () => string): void {
    this.#last = label;
    this.#kernels.set(label, operands);
  }

  /** @throws DeviceError | KernelError | OutOfMemoryError the first failure since the last call; a lost device fails always */
  raise(): void {
    const error = this.#pending;
    if (error !== null && !this.#isLost) this.#pending = null;
    if (error !== null) throw error;
  }

  #describe(label: string): string {
    const operands = this.#kernels.get(label)?.();
    return operands ? `${label} (${operands})` : label || 'none';
  }

  #errorOf(error: GPUError): Error {
    const { message } = error;
    if (error.constructor.name === 'GPUOutOfMemoryError') {
      const liveBytes = this.liveBytes();
      return new OutOfMemoryError(
        `webgpu: the device must have memory left, got none with ${liveBytes} B live: ${message} Use a smaller batch, or dispose tensors (tidy).`,
        { liveBytes },
      );
    }
    // Pipelines, shaders and bind groups carry their kernel's label, which Dawn quotes.
    const named = [...this.#kernels.keys()].filter((label) => message.includes(label));
    const kernel = named.sort((a, b) => b.length - a.length)[0] ?? this.#last;
    const cure = kernel.startsWith(CUSTOM_LABEL) ? 'Mend its WGSL.' : 'Please report it.';
    return new KernelError(`webgpu: ${this.#describe(kernel)} must be valid, got: ${message} ${cure}`, {
      kernel,
      message,
    });
  }
}
