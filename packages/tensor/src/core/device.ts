import type { Backend, DeviceStorage, MemoryStats } from '../backends/backend.ts';
import { acceptStridedViews } from '../backends/contiguous-views.ts';
import { noteOpened, otherCopyCure } from './copies.ts';
import type { DType } from './dtype.ts';
import { ConfigError, DeviceError } from './errors.ts';
import type { Tensor } from './tensor.ts';
import { type Check, dtypeName, shown } from './value-checks.ts';

/** A place where tensors live and operators run. Made by `init`. */
export class Device {
  #destroyed = false;

  constructor(readonly backend: Backend) {
    acceptStridedViews(backend);
  }

  get kind(): Backend['kind'] {
    return this.backend.kind;
  }

  /** One line for people: the adapter or processor. */
  get description(): string {
    return this.backend.description;
  }

  get supportsF16(): boolean {
    return this.supports('f16');
  }

  /** Whether the device has tensors of a dtype: `bf16` only where no shader has to read it. @throws ConfigError for an unknown name */
  supports(dtype: DType): boolean {
    dtypeName('device.supports', 'dtype', dtype);
    return this.backend.supports(dtype);
  }

  memory(): MemoryStats {
    return this.backend.memory();
  }

  /** Submits recorded work and waits for it. @throws DeviceError | KernelError | OutOfMemoryError that the work raised. */
  synchronize(): Promise<void> {
    return this.backend.synchronize();
  }

  /** Marks the end of a training or decoding step: recorded work is submitted, nothing waits. */
  endStep(): void {
    this.backend.endStep();
  }

  /** @throws DeviceError after `destroy` */
  requireOpen(operation: string): void {
    if (!this.#destroyed) return;
    throw new DeviceError(`${operation}: the device must be open, got ${this} after destroy(). Open one with init().`);
  }

  /** Frees all memory and threads. Tensors of this device are unusable afterwards. Safe to call twice. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    if (current === this) current = null;
    this.backend.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  toString(): string {
    return `${this.kind} (${this.description})`;
  }
}

function isOfAnotherCopy(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'backend' in value && 'requireOpen' in value;
}

/** What an operator was given as a device. @throws ConfigError */
export const isDevice: Check = (operation, name, value) => {
  if (value instanceof Device) return;
  const cure = (isOfAnotherCopy(value) && otherCopyCure()) || 'Open one with init().';
  throw new ConfigError(`${operation}: ${name} must be a device, got ${shown(value)}. ${cure}`, { name });
};

let current: Device | null = null;

/** The device that creation functions use when none is given. @throws DeviceError before the first `init`. */
export function defaultDevice(): Device {
  if (current === null) {
    throw new DeviceError(
      `tensor: there must be a device before the first tensor, got none. ${otherCopyCure() ?? "Call `await init({ device: 'auto' })` first."}`,
    );
  }
  return current;
}

/** @throws ConfigError for what is no device; DeviceError for one that is destroyed */
export function setDefaultDevice(device: Device): void {
  isDevice('setDefaultDevice', 'device', device);
  device.requireOpen('setDefaultDevice');
  noteOpened();
  current = device;
}

/** A reference-counted piece of device memory: tensors and autograd nodes that share it each hold one reference. */
export class SharedStorage {
  #references = 1;
  /** The tensors among those who hold it. */
  readonly handles = new Set<Tensor>();
  /** How many of them a recorded operator keeps for its gradient. */
  savedHandles = 0;
  /** The last write in place to any of it: a `writesSoFar`; 0 for none. */
  writtenAt = 0;

  constructor(
    readonly device: Device,
    readonly raw: DeviceStorage,
  ) {}

  /** One handle only: writing in place changes nobody else's values. */
  get isExclusive(): boolean {
    return this.#references === 1;
  }

  retain(): this {
    this.#references++;
    return this;
  }

  release(): void {
    this.#references--;
    if (this.#references === 0) this.device.backend.release(this.raw);
  }
}
