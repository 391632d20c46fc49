import type { DeviceCapabilities } from '../plan/capabilities.ts';

/** A device that kernels are checked on. */
export interface KernelDevice {
  readonly device: GPUDevice;
  readonly capabilities: DeviceCapabilities;
  /** Raises the first validation error or loss that the device reported since the last call. */
  check(): Promise<void>;
}
